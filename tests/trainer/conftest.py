import pytest
import torch

from tests.trainer.data import write_data
from tests.trainer.small import write_base
from trainer.calibration import fit as calibration
from trainer.data import read_photos


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    return write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"), count=4, side=64)


@pytest.fixture(scope="session")
def photos(data):
    return read_photos([data], 0.3, 7)[0]


@pytest.fixture(scope="module")
def few_walls():
    """Calibrations with one rendered wall a kind, which take no time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(calibration, "RENDERED_WALLS", 1)
        yield
