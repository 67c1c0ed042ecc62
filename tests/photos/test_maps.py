import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.measure.maps import crack_map
from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError
from wallscan.measure.founding import eight_bit
from wallscan.measure.measured import as_probabilities
from wallscan.photos.maps import decode_map_png, encode_map_png

level_maps = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)))


@given(level_maps)
def test_a_map_comes_back_as_it_was(levels):
    assert np.array_equal(decode_map_png(encode_map_png(levels)), levels)


def test_levels_are_probabilities_and_back():
    levels = np.arange(256, dtype=np.uint8)[None]
    assert np.array_equal(eight_bit(as_probabilities(levels)), levels)


def test_a_soft_map_takes_less_than_half_its_size():
    smooth = np.asarray(cv2.GaussianBlur(crack_map(1), (0, 0), 3), np.float32)
    assert len(encode_map_png(eight_bit(smooth))) < smooth.size / 2


@pytest.mark.parametrize("wrong", [np.zeros((2, 2), np.float32), np.zeros((2, 2, 3), np.uint8)])
def test_what_is_no_map_is_not_written(wrong):
    with pytest.raises(ValueError, match="not a map"):
        encode_map_png(wrong)


@pytest.mark.parametrize("shape", [(4, 4, 3), (4, 4, 4)])
def test_what_is_no_map_is_not_read(shape):
    _, data = cv2.imencode(".png", np.full(shape, 9, np.uint8))
    with pytest.raises(PhotoError) as refused:
        decode_map_png(data.tobytes())
    assert refused.value.code is Code.PHOTO_CORRUPT
    with pytest.raises(PhotoError):
        decode_map_png(encode_map_png(np.zeros((64, 64), np.uint8))[:40])
