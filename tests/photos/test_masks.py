import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from tests.photos.pictures import encode, wall
from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError
from wallscan.photos.masks import decode_mask_png, decode_rle, empty_mask_png, encode_mask_png, encode_rle

MASKS = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.sampled_from([0, 255])
)


def drawn(height_px=120, width_px=90):
    mask = np.zeros((height_px, width_px), np.uint8)
    cv2.line(mask, (3, 5), (85, 110), 255, 3)
    cv2.circle(mask, (60, 30), 12, 255, -1)
    return mask


@settings(deadline=None)
@given(mask=MASKS)
def test_png_comes_back_as_it_went(mask):
    assert np.array_equal(decode_mask_png(encode_mask_png(mask)), mask)


def test_every_reader_sees_0_and_255_in_one_channel():
    mask = drawn()
    data = encode_mask_png(mask)
    by_pillow = np.array(Image.open(io.BytesIO(data)))
    by_opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert by_opencv is not None
    assert by_pillow.dtype == np.uint8
    assert np.array_equal(by_pillow, mask)
    assert np.array_equal(by_opencv, mask)


def test_a_camera_sized_mask_stays_small():
    mask = cv2.resize(drawn(300, 400), (4000, 3000), interpolation=cv2.INTER_NEAREST)
    assert len(encode_mask_png(mask.astype(np.uint8))) < 40_000


@pytest.mark.parametrize(
    "wrong",
    [
        np.ones((4, 4), np.uint8),
        np.full((4, 4), 254, np.uint8),
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((4, 4), bool),
        np.zeros((4, 4), np.int32),
    ],
)
def test_only_masks_are_written(wrong):
    with pytest.raises(ValueError, match="not a 0/255 mask"):
        encode_mask_png(wrong)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (encode(wall(), "PNG"), Code.PHOTO_CORRUPT),
        (encode(wall()[:, :, 0], "PNG"), Code.PHOTO_CORRUPT),
        (encode_mask_png(drawn())[:-20], Code.PHOTO_TRUNCATED),
        (b"", Code.PHOTO_EMPTY),
    ],
)
def test_what_is_no_mask_is_refused(data, code):
    with pytest.raises(PhotoError) as caught:
        decode_mask_png(data)
    assert caught.value.code is code


def test_one_bit_masks_are_read_too():
    buffer = io.BytesIO()
    Image.fromarray(drawn()).convert("1").save(buffer, "PNG")
    assert np.array_equal(decode_mask_png(buffer.getvalue()), drawn())


@settings(deadline=None)
@given(mask=MASKS)
def test_rle_comes_back_as_it_went(mask):
    assert np.array_equal(decode_rle(encode_rle(mask)), mask)


def test_rle_is_what_pycocotools_writes():
    """Vectors from pycocotools 2.0.11, `mask.encode(np.asfortranarray(mask // 255))`."""
    small = np.zeros((5, 7), np.uint8)
    small[1:4, 2:5] = small[0, 0] = small[4, 6] = 255
    assert encode_rle(small) == {"size": [5, 7], "counts": "01:2H0008N"}
    assert encode_rle(drawn())["counts"] == (
        "m32e32N200O20O00010O0000010O0001O01O00010O0000010O00010O0000010O00010O0000010O00010O0000010O0001"
        "ROIXN7c11[NNb16]NJa18_NI^19cNF[1<eNDY1>gNBX1>iNCT1?mN@R1`0oN@P1`0QOAm0?UO@i0b0WO^Oi0`0YO@f0`0[O"
        "Ac0?_O@`0`0A@?>CC;=GB9<ID7:KF58MI251J023N0J57f101O00010O0000010O00010N100N2NT4"
    )


@pytest.mark.parametrize("counts", ["", "5", "zzzz", "01:2H0008"])
def test_run_lengths_that_do_not_fill_the_picture_are_refused(counts):
    with pytest.raises(ValueError, match="run lengths"):
        decode_rle({"size": [5, 7], "counts": counts})


def test_an_empty_mask_is_encoded_as_any_other():
    assert empty_mask_png(30, 41) == encode_mask_png(np.zeros((30, 41), np.uint8))
    assert empty_mask_png(41, 30) != empty_mask_png(30, 41)
