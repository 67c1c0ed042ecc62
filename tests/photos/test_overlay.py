import io

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.photos import corpus
from tests.photos.pictures import encode, exif, quarters, turned, wall
from wallscan.domain.errors import PhotoError
from wallscan.domain.palette import PALETTE
from wallscan.photos.decode import decode
from wallscan.photos.overlay import overlay_jpeg, thumbnail_jpeg


def rgb(colour):
    return np.array(list(bytes.fromhex(colour[1:])))


def near(picture, colour, tolerance=90):
    return np.abs(picture.astype(int) - rgb(colour)).sum(axis=2) < tolerance


def test_each_mask_shows_in_its_own_colour_and_the_rest_stays():
    photo = np.full((300, 400, 3), 200, np.uint8)
    crack, joint = np.zeros((300, 400), np.uint8), np.zeros((300, 400), np.uint8)
    crack[100:110, 50:350], joint[200:230, 50:350] = 255, 255
    picture = decode(overlay_jpeg(photo, [crack, joint])).pixels
    assert near(picture, PALETTE[0])[90:120].sum() > 300
    assert near(picture, PALETTE[1])[190:240].sum() > 300
    assert not near(picture, PALETTE[1])[:180].any()
    assert np.abs(picture[30:60].astype(int) - 200).max() <= 3


def test_a_hairline_survives_reduction_and_stays_visible_inside_its_outline():
    photo = np.full((3000, 4000, 3), 200, np.uint8)
    mask = np.zeros((3000, 4000), np.uint8)
    cv2.line(mask, (200, 300), (3800, 2700), 255, 1)
    photo[mask > 0] = 40
    picture = decode(overlay_jpeg(photo, [mask], max_side_px=800)).pixels
    assert picture.shape == (600, 800, 3)
    columns = near(picture, PALETTE[0], 160).any(axis=0)
    assert columns[60:740].mean() > 0.95


def test_the_outline_leaves_the_crack_itself_unpainted():
    photo = np.full((300, 400, 3), 200, np.uint8)
    mask = np.zeros((300, 400), np.uint8)
    mask[150:170] = 255
    photo[150:170] = 40
    picture = decode(overlay_jpeg(photo, [mask])).pixels
    assert picture[160, 200].sum() < picture[100, 200].sum() / 2


def test_a_reduced_photo_takes_full_size_masks():
    mask = np.zeros((3000, 4000), np.uint8)
    mask[1000:1100] = 255
    picture = decode(overlay_jpeg(wall(500, 375), [mask])).pixels
    assert picture.shape == (375, 500, 3)
    assert near(picture, PALETTE[0])[110:150].any()


def test_exports_carry_no_metadata():
    _, tagged = corpus.odd_photos()["jpeg with camera data"]
    assert Image.open(io.BytesIO(tagged)).getexif().get_ifd(ExifTags.IFD.GPSInfo)
    photo = decode(tagged)
    for data in (overlay_jpeg(photo.pixels, []), thumbnail_jpeg(tagged)):
        image = Image.open(io.BytesIO(data))
        assert dict(image.getexif()) == {}
        assert b"Exif" not in data
        assert b"Canon" not in data


def test_thumbnails_are_upright_small_and_never_enlarged():
    data = encode(turned(quarters(1600, 1200), 6), exif=exif(6))
    small = decode(thumbnail_jpeg(data, 512)).pixels
    assert small.shape == (384, 512, 3)
    assert np.abs(small.astype(int) - quarters(512, 384).astype(int)).mean() < 4
    assert decode(thumbnail_jpeg(encode(wall()))).pixels.shape == (48, 64, 3)


def test_a_bad_photo_has_no_thumbnail():
    with pytest.raises(PhotoError):
        thumbnail_jpeg(b"nothing")
