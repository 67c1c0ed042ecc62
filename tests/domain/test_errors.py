import pickle

from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError


def test_an_error_survives_the_way_from_a_pool_child_to_its_parent():
    error = pickle.loads(pickle.dumps(PhotoError(Code.PHOTO_EMPTY, "0 bytes")))  # noqa: S301 - our own bytes
    assert (type(error), error.code, error.detail) == (PhotoError, Code.PHOTO_EMPTY, "0 bytes")
