import pytest
import torch

from tests.segment.tiny import write_tiny
from tests.trainer.data import write_data
from tests.trainer.jobs import Script, given_dataset, given_training, zipped
from tests.trainer.small import small_recipe, write_base
from trainer import jobs, reporter
from trainer.calibration import fit as calibration
from trainer.data import read_photos
from trainer.jobs import Service


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


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("tiny") / "bundle")


@pytest.fixture
def service(engine, store):
    return Service(engine, store, "a-trainer", lease_s=60.0, checkpoint_every_s=0.0)


@pytest.fixture(scope="session")
def data_zip(data):
    return zipped(data)


@pytest.fixture
def dataset_id(engine, store, data_zip):
    return given_dataset(engine, store, data_zip)


@pytest.fixture
def training_id(engine, dataset_id):
    return given_training(engine, dataset_id, small_recipe())


@pytest.fixture
def script(monkeypatch, bundle):
    monkeypatch.setattr(reporter, "TELL_EVERY_S", 0.0)
    made = Script(bundle)
    monkeypatch.setattr(jobs, "fit", made)
    return made
