import concurrent.futures
import datetime as dt
import struct
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from tests.photos import corpus
from tests.photos.pictures import (
    ORIENTATIONS,
    encode,
    exif,
    heic,
    oriented,
    png,
    quarters,
    turned,
    two_hundred_megapixels,
    wall,
)
from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError
from wallscan.photos.decode import check, decode
from wallscan.photos.limits import PhotoLimits
from wallscan.photos.sniff import MediaType


def error_of(data, limits=None, **options):
    with pytest.raises(PhotoError) as caught:
        decode(data, limits or PhotoLimits(), **options)
    return caught.value


def mean_difference(pixels, other):
    return np.abs(pixels.astype(int) - other.astype(int)).mean()


@pytest.mark.parametrize("fault", corpus.bad_photos())
def test_every_bad_photo_gets_its_code(fault):
    _, data, code = corpus.bad_photos()[fault]
    assert error_of(data).code is code
    assert error_of(data, target_px=16).code is code


@pytest.mark.parametrize("oddity", corpus.odd_photos())
def test_odd_photos_show_what_they_hold(oddity):
    _, data = corpus.odd_photos()[oddity]
    photo = decode(data)
    expected = wall()
    if "alpha" in oddity:
        expected[:24] = 255
    # A palette of web colours is coarse; JPEG and CMYK round.
    allowed = 20 if "palette" in oddity else 2
    assert photo.pixels.shape == (48, 64, 3)
    assert photo.pixels.dtype == np.uint8
    assert (photo.facts.width_px, photo.facts.height_px) == (64, 48)
    assert mean_difference(photo.pixels, expected) < allowed


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_orientation_is_undone_once_pixel_for_pixel(orientation, kind):
    photo = decode(oriented(orientation, kind))
    assert np.array_equal(photo.pixels, quarters())
    assert photo.facts.orientation == orientation
    assert (photo.facts.width_px, photo.facts.height_px) == (40, 30)


@pytest.mark.parametrize("target_px", [None, 100])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_orientation_of_jpeg_is_undone_at_any_size(orientation, target_px):
    stored = turned(quarters(640, 480), orientation)
    photo = decode(encode(stored, quality=95, exif=exif(orientation)), target_px=target_px)
    height, width = photo.pixels.shape[:2]
    assert (photo.facts.width_px, photo.facts.height_px) == (640, 480)
    assert (width, height) == ((640, 480) if target_px is None else (160, 120))
    assert mean_difference(photo.pixels, quarters(width, height)) < 2


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_heic_is_turned_by_its_own_rotation_and_not_again_by_exif(orientation):
    photo = decode(heic(orientation=orientation))
    assert (photo.facts.width_px, photo.facts.height_px) == (64, 48)
    assert mean_difference(photo.pixels, quarters(64, 48)) < 1
    assert photo.facts.orientation == 1


def test_nonsense_orientation_counts_as_upright():
    assert decode(encode(quarters(), "PNG", exif=exif(77))).facts.orientation == 1


@pytest.mark.parametrize("pointer", [0x8769, 0x8825])
def test_a_bad_pointer_costs_nothing_that_does_not_lie_behind_it(pointer):
    """Big-endian EXIF; its last entry points to the photo's or the GPS' part, far before its beginning."""
    make, model, moment = b"Canon\0", b"EOS R8\0", b"2026:03:14 15:09:26\0"
    texts, behind = b"", 8 + 2 + 5 * 12 + 4
    entries = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    for tag, value in ((0x010F, make), (0x0110, model), (0x0132, moment)):
        entries += struct.pack(">HHII", tag, 2, len(value), behind + len(texts))
        texts += value
    entries += struct.pack(">HHIi", pointer, 9, 1, -5)
    block = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 5) + entries + bytes(4) + texts
    photo = decode(encode(turned(quarters(), 6), quality=95, exif=block))
    assert photo.facts.orientation == 6
    assert photo.pixels.shape == quarters().shape
    assert photo.facts.camera == "Canon EOS R8"
    assert photo.facts.taken_at == dt.datetime(2026, 3, 14, 15, 9, 26, tzinfo=dt.UTC)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_target_reduces_pixels_and_leaves_the_facts(kind):
    data = encode(wall(1200, 900), kind)
    photo = decode(data, target_px=200)
    assert 200 <= min(photo.pixels.shape[:2]) < 400
    assert (photo.facts.width_px, photo.facts.height_px) == (1200, 900)
    small = Image.fromarray(decode(data).pixels).resize(photo.pixels.shape[1::-1], Image.Resampling.BOX)
    assert mean_difference(photo.pixels, np.asarray(small)) < 1


@pytest.mark.parametrize("target_px", [None, 10, 24])
@pytest.mark.parametrize("oddity", corpus.odd_photos())
def test_strips_leave_no_trace(oddity, target_px, monkeypatch):
    _, data = corpus.odd_photos()[oddity]
    whole = decode(data, target_px=target_px).pixels
    monkeypatch.setattr("wallscan.photos.decode._STRIP_PX", 300)
    assert np.array_equal(decode(data, target_px=target_px).pixels, whole)


def test_target_never_enlarges():
    assert decode(encode(wall()), target_px=704).pixels.shape == (48, 64, 3)


def test_sixteen_bits_are_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(4, axis=0)
    pixels = decode(encode(ramp, "PNG")).pixels
    assert np.array_equal(pixels[0, :, 0], np.arange(256))


def test_facts_come_from_exif():
    _, data = corpus.odd_photos()["jpeg with camera data"]
    facts = decode(data).facts
    assert facts.media_type is MediaType.JPEG
    assert facts.camera == "Canon EOS R8"
    assert facts.taken_at == dt.datetime(2026, 3, 14, 15, 9, 26, tzinfo=dt.UTC)


@pytest.mark.parametrize("zone", ["+05:30", "-03:30"])
def test_a_cameras_time_zone_is_kept(zone):
    block = exif()
    block.get_ifd(0x8769).update({0x9003: "2026:03:14 15:09:26", 0x9011: zone})
    taken_at = decode(encode(wall(), exif=block)).facts.taken_at
    assert taken_at is not None
    assert taken_at.isoformat() == f"2026-03-14T15:09:26{zone}"


def test_pixel_limit_is_read_from_the_header_alone():
    huge = two_hundred_megapixels()
    assert error_of(huge).code is Code.PHOTO_TOO_MANY_PIXELS
    # A header that lies about a handful of bytes is refused alike: nothing was decoded to find out.
    assert error_of(png(20_000, 10_000, b"")).code is Code.PHOTO_TOO_MANY_PIXELS
    assert check(huge, PhotoLimits(max_pixels=200_000_000)).width_px == 20_000


def test_limits_are_inclusive():
    data = encode(wall())
    decode(data, PhotoLimits(max_bytes=len(data), max_pixels=64 * 48))
    assert error_of(data, PhotoLimits(max_bytes=len(data) - 1)).code is Code.PHOTO_TOO_MANY_BYTES
    assert error_of(data, PhotoLimits(max_pixels=64 * 48 - 1)).code is Code.PHOTO_TOO_MANY_PIXELS
    assert decode(data, PhotoLimits(max_side_px=64)).facts.width_px == 64
    assert error_of(data, PhotoLimits(max_side_px=63)).code is Code.PHOTO_TOO_MANY_PIXELS


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_a_jpeg_cut_anywhere_is_an_error_and_no_grey_filler(share, options):
    data = encode(wall(640, 480), **options)
    assert error_of(data[: int(len(data) * share)]).code is Code.PHOTO_TRUNCATED


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_limits_are_ours_and_not_those_of_the_process(kind, monkeypatch):
    """Pillow would warn here, and its warning is neither thread safe nor an error of one photo."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(encode(wall(), kind)).pixels.shape == (48, 64, 3)


def test_pillows_own_refusal_has_the_same_code(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert error_of(encode(wall(), "TIFF")).code is Code.PHOTO_TOO_MANY_PIXELS


def test_nothing_process_wide_is_changed():
    decode(heic())
    assert Image.MAX_IMAGE_PIXELS == 1024 * 1024 * 1024 // 4 // 3
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert "HEIF" not in Image.OPEN


def test_many_threads_decode_as_one_does():
    files = [data for _, data in corpus.odd_photos().values()] * 4
    alone = [decode(data).pixels for data in files]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda data: decode(data).pixels, files))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


GOOD = [data for _, data in corpus.odd_photos().values()]


@settings(max_examples=150, deadline=None)
@given(
    data=st.sampled_from(GOOD),
    edits=st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=4)), max_size=4),
    cut=st.integers(0, 12_000),
    target_px=st.sampled_from([None, 8]),
)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_damaged_files_raise_nothing_but_photo_error(data, edits, cut, target_px):
    damaged = bytearray(data[:cut])
    for position, replacement in edits:
        start = position % max(1, len(damaged))
        damaged[start : start + len(replacement)] = replacement
    try:
        photo = decode(bytes(damaged), PhotoLimits(max_pixels=1_000_000), target_px)
    except PhotoError:
        return
    assert photo.pixels.ndim == 3
    assert photo.pixels.dtype == np.uint8


@settings(deadline=None)
@given(head=st.sampled_from([data[:40] for data in GOOD]), tail=st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_photo_error(head, tail):
    with pytest.raises(PhotoError):
        decode(head + tail, PhotoLimits(max_pixels=1_000_000))
