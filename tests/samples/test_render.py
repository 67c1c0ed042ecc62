import io
import json

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from samples.compare import TRUTH
from samples.render import HERE, photo_jpeg, render
from samples.shots import all_shots
from wallscan.domain.walls import normal_path, wall_of
from wallscan.photos.decode import decode
from wallscan.photos.masks import decode_rle, encode_rle

SHOTS = {shot.path: shot for shot in all_shots()}
KNOWN = json.loads(TRUTH.read_text(encoding="utf-8"))["photos"]


def test_three_walls_of_four_photos_ship_with_their_truth():
    shipped = sorted(
        path.relative_to(HERE / "photos").as_posix() for path in (HERE / "photos").rglob("*.jpg")
    )
    assert shipped == sorted(SHOTS) == sorted(KNOWN)
    walls = [wall_of(normal_path(path)) for path in SHOTS]
    assert {wall: walls.count(wall) for wall in walls} == {
        "lobby-north": 4,
        "stairwell-2": 4,
        "meeting room ü": 4,
    }
    assert sum((HERE / "photos" / path).stat().st_size for path in shipped) < 6_000_000


@pytest.mark.parametrize("path", SHOTS)
def test_shipped_photos_are_camera_sized_and_fit_their_truth(path):
    data = (HERE / "photos" / path).read_bytes()
    facts = decode(data, target_px=300).facts
    known = KNOWN[path]
    assert (facts.width_px, facts.height_px) == (known["width_px"], known["height_px"])
    assert sorted((facts.width_px, facts.height_px)) == [3000, 4000]
    assert ExifTags.IFD.GPSInfo not in Image.open(io.BytesIO(data)).getexif()
    for truth in known["prompts"].values():
        mask = decode_rle(truth["rle"])
        assert mask.shape == (facts.height_px, facts.width_px)
        assert truth["coverage_pct"] == pytest.approx(100 * (mask > 0).mean(), abs=1e-4)


def test_some_walls_are_sound_and_one_lies_on_its_side():
    coverages = [known["prompts"]["crack"]["coverage_pct"] for known in KNOWN.values()]
    assert coverages.count(0) >= 3
    assert 0.2 < max(coverages) < 3
    orientations = [
        decode((HERE / "photos" / path).read_bytes(), target_px=100).facts.orientation for path in SHOTS
    ]
    assert orientations.count(6) == 1


@pytest.mark.parametrize(
    "path", ["lobby-north/1.jpg", "stairwell-2/4 upright.jpg", "meeting room ü/board 1.jpg"]
)
def test_a_photo_rendered_again_is_the_shipped_one(path):
    """At a fifth of the size: the same picture but for its finest grain."""
    rendered = render(SHOTS[path], 800)
    shipped = decode((HERE / "photos" / path).read_bytes()).pixels
    height, width = rendered.pixels.shape[:2]
    small = cv2.resize(shipped, (width, height), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small - rendered.pixels).mean() < 3
    for prompt, mask in rendered.masks.items():
        full = decode_rle(KNOWN[path]["prompts"][prompt]["rle"])
        true = cv2.resize(full, (width, height), interpolation=cv2.INTER_AREA) > 127
        around = cv2.dilate(true.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        assert (true & (mask > 0)).sum() >= 0.95 * true.sum()
        assert not (~around & (mask > 0)).sum() > 0.02 * true.sum()


def test_rendering_is_the_same_each_time():
    shot = SHOTS["lobby-north/1.jpg"]
    one, other = render(shot, 400), render(shot, 400)
    assert photo_jpeg(one, shot) == photo_jpeg(other, shot)
    assert encode_rle(one.masks["crack"]) == encode_rle(other.masks["crack"])


def test_cracks_are_darker_than_the_wall_beside_them():
    for path, known in KNOWN.items():
        mask = decode_rle(known["prompts"]["crack"]["rle"])
        if not mask.any():
            continue
        grey = decode((HERE / "photos" / path).read_bytes()).pixels.mean(axis=2)
        beside = (cv2.dilate(mask, np.ones((61, 61), np.uint8)) > 0) & (
            cv2.dilate(mask, np.ones((21, 21), np.uint8)) == 0
        )
        assert grey[mask > 0].mean() < 0.6 * grey[beside].mean(), path
