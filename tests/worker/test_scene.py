"""What a person says of a photo, and what the photo itself shows, on its way into the results."""

import cv2
import numpy as np
import pytest
from sqlalchemy import select, update

from tests.measure.tilted import SIDE_MM
from tests.photos.pictures import encode, wall
from tests.worker.given import given_submitted
from wallscan.domain.area import Basis
from wallscan.domain.looks import Detail, Look
from wallscan.domain.pipelines import FOUNDING
from wallscan.domain.review import ReviewReason
from wallscan.domain.scale import MarkerScale, ScaleSource, UniformScale
from wallscan.measure.area import closed
from wallscan.measure.marker import draw_marker
from wallscan.models.files import read_manifest
from wallscan.photos.decode import decode
from wallscan.photos.masks import decode_mask_png
from wallscan.records.session import transaction
from wallscan.records.tables import Item, Photo, Run
from wallscan.segment.engine import load_engine
from wallscan.segment.tiles import Seen
from worker.photos import inspect_photo
from worker.pipeline import analyse
from worker.recorded import RecordedMaps
from worker.scene import Hints, plane_of, scene_of

GIVEN = UniformScale(0.5, ScaleSource.GIVEN)
LEFT_HALF = [(0.0, 0.0), (319.0, 0.0), (319.0, 480.0), (0.0, 480.0)]


def with_marker(*sides_px, width_px=1600, height_px=1200):
    photo = np.full((height_px, width_px, 3), 200, np.uint8)
    for number, side in enumerate(sides_px):
        left = 100 + 700 * number
        photo[200 : 200 + side, left : left + side] = draw_marker(number, side)[:, :, None]
    return encode(photo, "PNG")


def seen(data, hints):
    return scene_of(decode(data, target_px=400), plane_of(data, hints.scale), hints)


@pytest.fixture(scope="module")
def tiny(bundle):
    return load_engine(bundle.folder)


def test_a_marker_is_found_in_a_larger_picture_than_the_network_sees():
    scene = seen(with_marker(200), Hints(MarkerScale(SIDE_MM)))
    assert scene.plane is not None
    assert scene.plane.mm_per_px == pytest.approx(0.5, rel=0.01)
    assert ReviewReason.MARKER_NOT_FOUND not in scene.reasons


def test_missing_and_contradicting_markers_are_said_and_nothing_fails():
    missing = seen(with_marker(), Hints(MarkerScale(SIDE_MM)))
    twice = seen(with_marker(200, 120), Hints(MarkerScale(SIDE_MM)))
    assert (missing.plane, twice.plane) == (None, None)
    assert ReviewReason.MARKER_NOT_FOUND in missing.reasons
    assert ReviewReason.MARKERS_DISAGREE in twice.reasons


@pytest.mark.parametrize(
    ("scale", "close"),
    [
        (None, True),
        (UniformScale(0.05, ScaleSource.GIVEN), True),
        (UniformScale(0.01, ScaleSource.GIVEN), False),
        (MarkerScale(10.0), True),
        (MarkerScale(2.0), False),
    ],
)
def test_auto_does_without_tiles_where_any_scale_shows_millimetres(tiny, scale, close):
    """The photo is 1600 px wide, the input 32: one of its pixels covers 50 of the photo's."""
    data = with_marker(200)
    found = analyse(data, ("crack",), tiny, FOUNDING, Look(Detail.AUTO), Hints(scale)).findings[0]
    whole = analyse(data, ("crack",), tiny, FOUNDING, Look(Detail.WHOLE), Hints(scale)).findings[0]
    assert (found.map_sha256 != whole.map_sha256) is close


def test_a_polygon_outside_the_photo_is_no_wall():
    data = encode(wall(640, 480))
    assert seen(data, Hints(wall_polygon_px=[(900, 900), (950, 900), (950, 950)])).polygon is None
    assert cv2.countNonZero(seen(data, Hints(wall_polygon_px=LEFT_HALF)).polygon) == 320 * 480


def test_coverage_is_a_share_of_the_polygon_and_the_mask_stays_whole(tiny):
    data = encode(wall(640, 480))
    plain = analyse(data, ("crack",), tiny, FOUNDING).findings[0]
    half = analyse(data, ("crack",), tiny, FOUNDING, hints=Hints(GIVEN, LEFT_HALF)).findings[0]
    mask = decode_mask_png(plain.mask_png)
    assert half.mask_png == plain.mask_png
    assert (plain.basis, half.basis) == (Basis.PHOTO, Basis.WALL_POLYGON)
    assert (half.numbers.analysed_px, half.numbers.foreground_px) == (
        320 * 480,
        cv2.countNonZero(np.ascontiguousarray(mask[:, :320])),
    )
    assert (plain.measurements.mm_per_px, half.measurements.mm_per_px) == (None, 0.5)


def recorded(bundle, **maps):
    """Maps of 64 cells a side in the place of a model that answers them."""
    seen = Seen(np.stack(list(maps.values())), 64)
    return RecordedMaps(read_manifest(bundle.folder), seen, "by hand")


@pytest.mark.parametrize("left", [0, 8])
def test_a_wall_prompt_is_what_the_others_are_a_share_of(bundle, left):
    """The wall is the left five eighths, less the crack, which leaves it and may leave the photo as well."""
    wall_map, crack_map = np.full((64, 64), 0.05, np.float32), np.full((64, 64), 0.05, np.float32)
    wall_map[:, :40], crack_map[30:33, left:56] = 0.95, 0.95
    wall_map[30:32, left:40] = 0.05
    source = recorded(bundle, wall=wall_map, crack=crack_map)
    of_wall, crack = analyse(encode(wall(640, 480)), ("wall", "crack"), source, FOUNDING).findings
    assert (of_wall.basis, crack.basis) == (Basis.PHOTO, Basis.WALL_PROMPT)
    wall_mask, crack_mask = decode_mask_png(of_wall.mask_png), decode_mask_png(crack.mask_png)
    whole_wall = closed(wall_mask)
    on_wall = cv2.bitwise_and(crack_mask, whole_wall)
    assert of_wall.numbers.analysed_px == 640 * 480
    assert cv2.countNonZero(wall_mask) < crack.numbers.analysed_px == cv2.countNonZero(whole_wall)
    assert crack.numbers.analysed_px == pytest.approx(400 * 480, rel=0.02)
    assert cv2.countNonZero(crack_mask) > crack.numbers.foreground_px == cv2.countNonZero(on_wall)
    assert crack.numbers.coverage_pct == pytest.approx(100 * np.mean(crack_mask[whole_wall > 0] > 0))
    assert crack.measurements.cells_analysed == pytest.approx(40 * 48, rel=0.03)
    assert crack.measurements.cracks == 1
    assert crack.measurements.length_px == pytest.approx(400 - 10 * left, rel=0.03)


def test_a_wall_prompt_that_finds_nothing_leaves_the_photo(bundle):
    crack_map = np.full((64, 64), 0.05, np.float32)
    crack_map[28:36, 8:56] = 0.95
    source = recorded(bundle, wall=np.zeros((64, 64), np.float32), crack=crack_map)
    _, crack = analyse(encode(wall(640, 480)), ("wall", "crack"), source, FOUNDING).findings
    assert (crack.basis, crack.numbers.analysed_px) == (Basis.PHOTO, 640 * 480)


def test_hints_of_photo_and_run_end_in_the_items(resources, model_id):
    photos = {f"north/{seed}.jpg": encode(wall(320, 240, seed)) for seed in range(2)}
    order = given_submitted(resources.engine, resources.store, model_id, photos)
    with transaction(resources.engine) as session:
        session.execute(update(Run).where(Run.id == order.run_id).values(scale={"mm_per_px": 0.5}))
        own = {"points_px": [[0, 0], [100, 0]], "distance_mm": 25}
        session.execute(
            update(Photo)
            .where(Photo.id == order.photo_ids[1])
            .values(scale=own, wall_polygon_px=[[0, 0], [159, 0], [159, 239], [0, 239]])
        )
    for photo_id in order.photo_ids:
        inspect_photo(resources, order.run_id, photo_id)
    with transaction(resources.engine) as session:
        items = session.scalars(select(Item).where(Item.run_id == order.run_id)).all()
        found = {(item.photo_id, item.mm_per_px, item.scale_source, item.basis) for item in items}
        assert found == {
            (order.photo_ids[0], 0.5, "given", "photo"),
            (order.photo_ids[1], 0.25, "two_points", "wall_polygon"),
        }
        assert {item.analysed_px for item in items} == {320 * 240, 160 * 240}
        assert all(item.cells_analysed and item.review_reasons is not None for item in items)
