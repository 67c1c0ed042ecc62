import io
import uuid
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import update

from tests.api.calling import entry, problem
from tests.api.test_runs import model, submit  # noqa: F401 - `model` is a fixture
from tests.photos.pictures import encode, exif, wall
from tests.records.given import FACTS, Order, claimed, results
from wallscan.domain.codes import Code
from wallscan.photos.masks import encode_mask_png
from wallscan.records import tasks
from wallscan.records.session import transaction
from wallscan.records.tables import Photo
from wallscan.storage import keys

WIDTH_PX, HEIGHT_PX = 900, 600
PICTURE = encode(wall(WIDTH_PX, HEIGHT_PX), exif=exif(6, camera=True))
"""Lies on its side: upright it is 600 wide and 900 high. Its EXIF tells a camera and a place."""


@pytest.fixture
def finished(api, engine, store, model):  # noqa: F811
    """A run on one photo and its copy, with masks in storage: (photo id, copy's id, run)."""
    inspection = api.inspection()
    photo, copy = api.upload(inspection, ("north/a.jpg", PICTURE), ("south/a.jpg", PICTURE))
    run = submit(api, inspection)
    order = Order(uuid.UUID(inspection), uuid.uuid4(), uuid.UUID(run["id"]), [uuid.UUID(photo["photo_id"])])
    claim = claimed(engine, order)
    mask = np.zeros((WIDTH_PX, HEIGHT_PX), np.uint8)
    mask[100:200, 100:200] = 255
    for result in results(claim):
        store.put(result.mask_key, encode_mask_png(mask), "image/png")
    with transaction(engine) as session:
        tasks.finish(session, claim, FACTS, results(claim))
    return photo["photo_id"], copy["photo_id"], run


def picture(answer, kind):
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind), answer.text[:300]
    assert answer.headers["cache-control"].startswith("private")
    return Image.open(io.BytesIO(answer.content))


def test_facts_and_results_serve_the_copy_too(api, finished):
    photo, copy = (api.read(f"/v1/photos/{photo_id}") for photo_id in finished[:2])
    assert (copy["duplicate_of"], copy["path"]) == (photo["id"], "south/a.jpg")
    for field in ("width_px", "height_px", "media_type", "camera", "sha256", "results"):
        assert copy[field] == photo[field], field
    assert [result["prompt"] for result in photo["results"]] == ["crack", "drywall joint"]
    assert photo["results"][0]["coverage_pct"] == 1.0


def test_a_thumbnail_is_small_upright_and_tells_nothing(api, finished):
    for photo_id in finished[:2]:
        answer = api.get(f"/v1/photos/{photo_id}/thumbnail")
        small = picture(answer, "image/jpeg")
        assert small.size == (341, 512)
        assert not small.getexif()
    again = api.get(f"/v1/photos/{photo_id}/thumbnail", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_mask_has_the_size_of_the_upright_photo(api, finished):
    for photo_id in finished[:2]:
        answer = api.get(f"/v1/photos/{photo_id}/mask", params={"prompt": " crack"})
        mask = picture(answer, "image/png")
        assert (mask.size, mask.mode) == ((HEIGHT_PX, WIDTH_PX), "L")
        assert set(np.unique(np.asarray(mask))) == {0, 255}
    headers = {"If-None-Match": answer.headers["ETag"]}
    assert (
        api.get(f"/v1/photos/{photo_id}/mask", params={"prompt": "crack"}, headers=headers).status_code == 304
    )


def test_the_overlay_shows_what_was_found(api, finished):
    photo_id, copy_id, run = finished
    plain = np.asarray(picture(api.get(f"/v1/photos/{photo_id}/thumbnail"), "image/jpeg").resize((600, 900)))
    for params in ({}, {"prompt": ["crack"]}, {"prompt": ["crack", "drywall joint"], "run_id": run["id"]}):
        answer = api.get(f"/v1/photos/{copy_id}/overlay", params=params)
        drawn = np.asarray(picture(answer, "image/jpeg"))
        changed = np.abs(drawn.astype(int) - plain).mean(axis=2)
        assert drawn.shape == (900, 600, 3)
        assert changed[110:190, 110:190].mean() > 3 * changed[400:, 300:].mean()
    headers = {"If-None-Match": answer.headers["ETag"]}
    assert api.get(f"/v1/photos/{copy_id}/overlay", params=params, headers=headers).status_code == 304


def test_masks_of_nothing(api, finished):
    photo_id, _, run = finished
    mask = f"/v1/photos/{photo_id}/mask"
    problem(api.get(mask, params={"prompt": "rust"}), 404, Code.MASK_UNKNOWN)
    problem(api.get(mask, params={"prompt": "crack", "run_id": str(uuid.uuid4())}), 404, Code.RUN_UNKNOWN)
    problem(api.get(mask), 422, Code.REQUEST_INVALID)
    problem(api.get(mask, params={"prompt": "x" * 201}), 422, Code.PROMPT_TOO_LONG)
    (fresh,) = api.upload(run["inspection_id"], ("north/b.jpg", encode(wall(seed=3))))
    problem(api.get(f"/v1/photos/{fresh['photo_id']}/overlay"), 404, Code.MASK_UNKNOWN)


def test_a_run_of_another_inspection_has_no_mask_here(api, finished, engine):
    photo_id, _, _ = finished
    other = api.inspection(api.site("other"))
    api.upload(other, ("a.jpg", PICTURE))
    params = {"prompt": "crack", "run_id": submit(api, other)["id"]}
    problem(api.get(f"/v1/photos/{photo_id}/mask", params=params), 404, Code.RUN_UNKNOWN)


def test_photos_that_cannot_be_shown_say_why(api, store):
    inspection = api.inspection()
    empty, expected = api.announce(inspection, entry("a.jpg", b""), entry("b.jpg", b"later"))
    problem(api.get(f"/v1/photos/{empty['photo_id']}/thumbnail"), 422, Code.PHOTO_EMPTY)
    problem(api.get(f"/v1/photos/{expected['photo_id']}/thumbnail"), 409, Code.PHOTO_NOT_UPLOADED)
    key = keys.photo(uuid.UUID(inspection), uuid.UUID(expected["photo_id"]))
    store.put(key, encode(wall())[:200], "image/jpeg")
    problem(api.get(f"/v1/photos/{expected['photo_id']}/thumbnail"), 422, Code.PHOTO_TRUNCATED)


def test_look_alikes_differ_in_few_bits(api, engine):
    inspection = api.inspection()
    hashes = {"a": 0, "near": 0b111111, "far": 0b1111111, "negative": -(2**63)}
    made = api.announce(inspection, *(entry(f"{name}.jpg", name.encode()) for name in hashes))
    ids = dict(zip(hashes, (one["photo_id"] for one in made), strict=True))
    with transaction(engine) as session:
        for name, phash in hashes.items():
            session.execute(update(Photo).where(Photo.id == uuid.UUID(ids[name])).values(phash=phash))
    assert api.read(f"/v1/photos/{ids['a']}")["look_alikes"] == [ids["near"], ids["negative"]]
    assert api.read(f"/v1/photos/{ids['far']}")["look_alikes"] == [ids["near"]]


def test_photos_by_wall_and_page(api):
    inspection = api.inspection()
    api.announce(
        inspection, *(entry(f"{side}/{n}.jpg", f"{side}{n}".encode()) for side in "ab" for n in range(3))
    )
    path = f"/v1/inspections/{inspection}/photos"
    first = api.read(path, limit=4)
    rest = api.read(path, limit=4, cursor=first["next_cursor"])
    assert [photo["path"] for photo in first["items"] + rest["items"]] == [
        f"{side}/{n}.jpg" for side in "ab" for n in range(3)
    ]
    of_b = api.read(path, wall_id=rest["items"][0]["wall_id"], state="expected")
    assert [photo["path"] for photo in of_b["items"]] == ["b/0.jpg", "b/1.jpg", "b/2.jpg"]


def test_a_scale_and_a_wall_are_said_of_a_photo_and_taken_back(api, finished):
    photo_id, copy_id, _ = finished
    points = {"points_px": [[0, 0], [300, 400]], "distance_mm": 250}
    corners = [[0, 0], [100, 0], [100, 100.5]]
    change = {"scale": points, "wall_polygon_px": corners}
    answer = api.request("PATCH", f"/v1/photos/{copy_id}", json=change)
    assert answer.status_code == 200, answer.text
    for one in (photo_id, copy_id):
        said = api.read(f"/v1/photos/{one}")
        assert {name: said["scale"][name] for name in points} == points
        assert said["wall_polygon_px"] == corners
    api.request("PATCH", f"/v1/photos/{photo_id}", json={"scale": None})
    said = api.read(f"/v1/photos/{photo_id}")
    assert (said["scale"], said["wall_polygon_px"]) == (None, corners)


@pytest.mark.parametrize(
    "change",
    [
        {"scale": {}},
        {"scale": {"mm_per_px": 0.5, "marker_side_mm": 100}},
        {"scale": {"mm_per_px": 0}},
        {"scale": {"points_px": [[1, 1], [1, 1]], "distance_mm": 5}},
        {"scale": {"points_px": [[1, 1], [1, 2]]}},
        {"wall_polygon_px": [[0, 0], [1, 1]]},
        {"wall": "south"},
    ],
)
def test_a_scale_or_wall_that_is_none_is_refused(api, finished, change):
    problem(api.request("PATCH", f"/v1/photos/{finished[0]}", json=change), 422, Code.REQUEST_INVALID)


def test_measurements_are_shown_with_the_results(api, engine, store, model):  # noqa: F811
    inspection = api.inspection()
    (photo,) = api.upload(inspection, ("north/a.jpg", PICTURE))
    answer = api.post(f"/v1/inspections/{inspection}/runs", json={"scale": {"mm_per_px": 0.5}})
    run = answer.json()
    assert run["scale"]["mm_per_px"] == 0.5
    order = Order(uuid.UUID(inspection), uuid.uuid4(), uuid.UUID(run["id"]), [uuid.UUID(photo["photo_id"])])
    claim = claimed(engine, order)
    assert claim.scale == {"mm_per_px": 0.5}
    measured = {
        "basis": "photo", "cells_found": 30, "cells_analysed": 120, "cracks": 2, "length_px": 800.0,
        "max_width_px": 9.0, "at_resolution_limit": False, "length_mm": 400.0, "max_width_mm": 4.5,
        "width_band": 2,
        "largest_crack_polyline_px": [[1.0, 2.0], [3.0, 4.5]], "review_reasons": ["blurred"],
    }  # fmt: skip
    with transaction(engine) as session:
        done = [replace(result, measured=measured) for result in results(claim)]
        tasks.finish(session, claim, FACTS, done)
    shown = api.read(f"/v1/photos/{photo['photo_id']}")["results"][0]
    assert measured.items() <= shown.items()
    assert (shown["cell_coverage_pct"], shown["needs_review"]) == (25.0, True)
    report = api.read(f"/v1/inspections/{inspection}/report", photos="true")
    wall_row = report["walls"][0]
    assert (wall_row["cracks"], wall_row["length_px"], wall_row["length_mm"]) == (2, 800.0, 400.0)
    assert (wall_row["max_width_mm"], wall_row["max_width_band"], wall_row["photos_to_review"]) == (4.5, 2, 1)
    assert (wall_row["cell_coverage_pct"], wall_row["basis"], report["basis"]) == (
        25.0,
        "photo",
        "photographed area",
    )
    assert report["photos"][0]["review_reasons"] == ["blurred"]
