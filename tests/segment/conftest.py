import numpy as np
import pytest
import torch

from tests.segment.tiny import write_tiny
from wallscan.models import starter_bundle
from wallscan.segment import compiled
from wallscan.segment.convert import convert
from wallscan.segment.engine import EngineSettings, load_engine
from wallscan.segment.openvino_graphs import open_openvino
from wallscan.segment.openvino_runtime import has_bf16


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(params=["tiny", "starter"])
def bundle(request, tiny_bundle):
    return tiny_bundle if request.param == "tiny" else starter_bundle()


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """Compiled models of all tests, each made once."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture
def converted_here(monkeypatch):
    """Conversions run in this process, which has torch already; the list tells of each."""
    bundles = []

    def convert_here(bundle, out, precision):
        bundles.append(bundle)
        convert(bundle, out, precision)

    monkeypatch.setattr(compiled, "_convert", convert_here)
    return bundles


@pytest.fixture(params=["torch", "openvino"])
def load(request, cache, converted_here):
    """Loads a bundle's folder on either runtime, exactly: the starter admits bf16."""
    return lambda folder: load_engine(folder, EngineSettings(cache, request.param, precision="exact"))


@pytest.fixture(params=["torch", "openvino", "openvino in bf16"])
def load_in_each_precision(request, cache, converted_here):
    """Loads a bundle's folder on either runtime, also in bf16: the starter's default where it pays."""
    engine, _, precision = request.param.partition(" in ")
    if not precision:
        return lambda folder: load_engine(folder, EngineSettings(cache, engine, precision="exact"))
    if not has_bf16():
        pytest.skip("this processor does not multiply in bf16 itself")
    return lambda folder: open_openvino(folder, EngineSettings(cache, engine), precision)


@pytest.fixture
def photo():
    """(90, 120, 3) noise with structure, from a fixed seed."""
    rng = np.random.default_rng(5)
    coarse = np.kron(rng.integers(0, 200, (9, 12, 3)), np.ones((10, 10, 1)))
    return (coarse + rng.integers(0, 56, (90, 120, 3))).astype(np.uint8)
