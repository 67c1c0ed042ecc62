import pytest

from tests.photos.pictures import encode, heic, wall
from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError
from wallscan.photos.sniff import MediaType, sniff


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_types_are_told_by_content(kind):
    assert sniff(encode(wall(), kind)[:64]) is MediaType[kind]


def test_heic_is_told_by_its_brand():
    assert sniff(heic()[:64]) is MediaType.HEIC


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"", Code.PHOTO_EMPTY),
        (b"\x00", Code.PHOTO_NOT_AN_IMAGE),
        (b"hello", Code.PHOTO_NOT_AN_IMAGE),
        (b"RIFF\x00\x00\x00\x00WAVE", Code.PHOTO_NOT_AN_IMAGE),
        (b"%PDF-1.7", Code.PHOTO_TYPE_UNSUPPORTED),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", Code.PHOTO_TYPE_UNSUPPORTED),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf", Code.PHOTO_TYPE_UNSUPPORTED),
    ],
)
def test_what_is_no_accepted_photo_gets_its_own_code(head, code):
    with pytest.raises(PhotoError) as caught:
        sniff(head)
    assert caught.value.code is code
