import numpy as np
import pytest
import torch

from tests.segment.tiny import write_tiny


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def photo():
    """(90, 120, 3) noise with structure, from a fixed seed."""
    rng = np.random.default_rng(5)
    coarse = np.kron(rng.integers(0, 200, (9, 12, 3)), np.ones((10, 10, 1)))
    return (coarse + rng.integers(0, 56, (90, 120, 3))).astype(np.uint8)
