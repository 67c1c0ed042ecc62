import pytest

from tests.photos.decode_memory import STATUS, grown_bytes, kinds

WIDTH_PX, HEIGHT_PX, TARGET_PX = 3200, 2200, 640
MOST_BYTES_PER_PX = {
    "JPEG": 3,
    "JPEG, progressive": 4,
    "JPEG, progressive, 4:4:4": 8,
    "PNG": 6,
    "PNG, transparent": 8,
    "PNG, grey, transparent": 8,
    "PNG, grey, 16 bits": 8,
    "TIFF": 6,
    "TIFF, turned by EXIF": 9,
    "WebP": 18,
    "HEIC": 9,
}
"""What docs/tiles.md says, and what is spent on photos of few pixels in strips and libraries."""


@pytest.fixture(scope="module")
def photos():
    return kinds(WIDTH_PX, HEIGHT_PX)


@pytest.mark.skipif(not STATUS.exists(), reason="reads Linux' /proc")
@pytest.mark.parametrize("kind", MOST_BYTES_PER_PX)
def test_decoding_holds_no_more_bytes_a_pixel_than_documented(tmp_path, photos, kind):
    (tmp_path / "photo").write_bytes(photos[kind])
    grown = grown_bytes(tmp_path / "photo", TARGET_PX) / (WIDTH_PX * HEIGHT_PX)
    assert 0 < grown < MOST_BYTES_PER_PX[kind]
