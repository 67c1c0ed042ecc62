import csv
import io
import uuid

import pytest

from tests.api.calling import entry, problem
from tests.api.test_runs import JPEG, OTHER, model, submit, work_on  # noqa: F401 - `model` is a fixture
from wallscan.domain.codes import Code


@pytest.fixture
def inspected(api, engine, model):  # noqa: F811
    """One photo done, its copy in another wall, one failed, one that never came."""
    site = api.site()
    inspection = api.inspection(site)
    done, _, failed = api.upload(
        inspection, ("north/a.jpg", JPEG), ("south/=a.jpg", JPEG), ("north/b.jpg", OTHER)
    )
    api.announce(inspection, entry("north/c.jpg", b"never sent"))
    run = submit(api, inspection)
    work_on(engine, run, done["photo_id"])
    work_on(engine, run, failed["photo_id"], code=Code.PHOTO_CORRUPT)
    walls = {wall["name"]: wall["id"] for wall in api.read(f"/v1/sites/{site}/walls")["items"]}
    return site, inspection, run, walls


def rows(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_site_inspection_and_wall_tell_the_same(api, inspected):
    site, inspection, run, walls = inspected
    of_site = api.read(f"/v1/sites/{site}/report", photos=True)
    assert of_site["run"]["run_id"] == run["id"]
    assert api.read(f"/v1/inspections/{inspection}/report", photos=True) == of_site
    north = api.read(f"/v1/walls/{walls['north']}/report")
    assert north["walls"] == [row for row in of_site["walls"] if row["wall"] == "north"]
    assert north["photos"] == []
    crack = {row["wall"]: row for row in of_site["walls"] if row["prompt"] == "crack"}
    assert {wall: row["coverage_pct"] for wall, row in crack.items()} == {"north": 1.0, "south": 1.0}
    statuses = {row["photo"]: row["status"] for row in of_site["photos"]}
    assert statuses == {
        "north/a.jpg": "succeeded",
        "south/=a.jpg": "duplicate",
        "north/b.jpg": "failed",
        "north/c.jpg": "not_uploaded",
    }


def test_csv_has_a_row_per_photo_and_prompt(api, inspected):
    _, inspection, _, _ = inspected
    answer = api.get(f"/v1/inspections/{inspection}/report", params={"format": "csv"})
    listed = [(row["photo"], row["prompt"]) for row in rows(answer)]
    assert len(listed) == len(set(listed)) == 8
    assert "attachment" in answer.headers["content-disposition"]


def test_walls_csv_has_a_row_per_wall_and_prompt(api, inspected):
    site, _, _, _ = inspected
    answer = api.get(f"/v1/sites/{site}/report", params={"format": "walls.csv"})
    assert {(row["wall"], row["prompt"]) for row in rows(answer)} == {
        (wall, prompt) for wall in ("north", "south") for prompt in ("crack", "drywall joint")
    }


def test_an_earlier_run_and_inspection_are_still_read(api, inspected):
    site, inspection, run, _ = inspected
    newer = submit(api, inspection, prompts=["rust"])
    report = f"/v1/inspections/{inspection}/report"
    assert api.read(report)["run"]["prompts"] == ["rust"]
    assert api.read(report, run_id=run["id"])["run"]["prompts"] == ["crack", "drywall joint"]
    other = api.inspection(site)
    api.upload(other, ("north/a.jpg", JPEG))
    latest = submit(api, other)
    assert api.read(f"/v1/sites/{site}/report")["run"]["run_id"] == latest["id"]
    assert api.read(f"/v1/sites/{site}/report", inspection_id=inspection)["run"]["run_id"] == newer["id"]


def test_reports_of_nothing(api, inspected):
    site, inspection, run, _ = inspected
    nothing = str(uuid.uuid4())
    problem(api.get(f"/v1/sites/{nothing}/report"), 404, Code.SITE_UNKNOWN)
    problem(api.get(f"/v1/walls/{nothing}/report"), 404, Code.WALL_UNKNOWN)
    problem(api.get(f"/v1/inspections/{nothing}/report"), 404, Code.INSPECTION_UNKNOWN)
    problem(
        api.get(f"/v1/inspections/{inspection}/report", params={"run_id": nothing}), 404, Code.RUN_UNKNOWN
    )
    fresh = api.inspection(api.site("fresh"))
    problem(api.get(f"/v1/inspections/{fresh}/report"), 404, Code.RUN_UNKNOWN)
    problem(api.get(f"/v1/inspections/{fresh}/report", params={"run_id": run["id"]}), 404, Code.RUN_UNKNOWN)
    answer = api.get(f"/v1/sites/{site}/report", params={"format": "pdf"})
    problem(answer, 422, Code.REQUEST_INVALID)
