"""Reports against a recomputation in plain Python from the raw rows."""

import itertools
import uuid
from collections import Counter, defaultdict

import pytest
from sqlalchemy import and_, case, or_, select, text, update
from sqlalchemy.orm import Session

from benchmarks.big_inspection import PROMPTS, make_big_inspection
from wallscan.domain.coverage import PhotoCoverage, wall_coverage
from wallscan.domain.errors import RunError
from wallscan.records.reports import inspection_report, site_report, wall_report
from wallscan.records.session import make_engine, transaction
from wallscan.records.tables import Inspection, Item, Photo, Task, Wall

PHOTOS, WALLS = 10_000, 20


@pytest.fixture(scope="module")
def big(servers, _migrated):
    engine = make_engine(servers.create_database("big", template=_migrated))
    with transaction(engine) as session:
        made = make_big_inspection(session, photos=PHOTOS, walls=WALLS)
        # A neighbour whose rows must not leak in. Made last: foreign keys are checked by plans that a
        # connection keeps, and those made for small tables would scan the large ones.
        make_big_inspection(session, photos=300, walls=3)
    yield engine, made
    engine.dispose()
    servers.drop_database("big")


@pytest.fixture(scope="module")
def made(big):
    return big[1]


@pytest.fixture(scope="module")
def whole(big, made):
    with transaction(big[0]) as session:
        return inspection_report(session, made.inspection_id, photos=True)


@pytest.fixture(scope="module")
def expected(big, made):
    with transaction(big[0]) as session:
        return Recomputed(session, made)


@pytest.fixture
def session(big):
    with Session(big[0]) as session:
        yield session


class Recomputed:
    """What the report should say, from the raw rows, by loops that a person can check."""

    def __init__(self, session, made):
        photos = session.scalars(select(Photo).where(Photo.inspection_id == made.inspection_id)).all()
        self.photos = {photo.id: photo for photo in photos}
        tasks = session.scalars(select(Task).where(Task.run_id == made.run_id))
        self.tasks = {task.photo_id: task for task in tasks}
        items = session.scalars(select(Item).where(Item.run_id == made.run_id))
        self.items = {(item.photo_id, item.prompt_index): item for item in items}
        self.walls = {wall.id: wall.name for wall in session.scalars(select(Wall))}

    def content(self, photo):
        if photo.state == "rejected" or photo.duplicate_of_id is None:
            return photo
        return self.photos[photo.duplicate_of_id]

    def fate(self, photo):
        if photo.code == "photo_not_uploaded":
            return "not_uploaded"
        if photo.state == "rejected":
            return "rejected"
        return str(self.tasks[photo.id].state) if photo.id in self.tasks else "not_in_run"

    def wall(self, wall_id, prompt_index):
        photos = [photo for photo in self.photos.values() if photo.wall_id == wall_id]
        contents = {self.content(photo).id: self.content(photo) for photo in photos}
        fates = Counter(self.fate(content) for content in contents.values())
        counted = [self.items[key, prompt_index] for key in contents if (key, prompt_index) in self.items]
        total = wall_coverage(PhotoCoverage(item.foreground_px, item.analysed_px) for item in counted)
        return {
            "photos": len(photos),
            "photos_counted": fates["succeeded"],
            "photos_failed": fates["failed"] + fates["rejected"] + fates["not_uploaded"],
            "photos_pending": fates["queued"] + fates["running"] + fates["cancelled"] + fates["not_in_run"],
            "photos_duplicate": len(photos) - len(contents),
            "photos_with_finding": sum(item.foreground_px > 0 for item in counted),
            "foreground_px": total.foreground_px,
            "analysed_px": total.analysed_px,
            "coverage_pct": total.coverage_pct,
            "max_photo_coverage_pct": max(item.coverage_pct for item in counted),
        }


def test_every_wall_of_ten_thousand_photos_adds_up(whole, expected):
    here = {photo.wall_id for photo in expected.photos.values() if photo.wall_id}
    names = sorted((expected.walls[wall_id], wall_id) for wall_id in here)
    assert [(row.wall, row.wall_id, row.prompt) for row in whole.walls] == [
        (name, wall_id, prompt) for name, wall_id in names for prompt in PROMPTS
    ]
    for row in whole.walls:
        wanted = expected.wall(row.wall_id, PROMPTS.index(row.prompt))
        assert row.model_dump(include=set(wanted)) == pytest.approx(wanted)
        assert row.photos == sum(
            (row.photos_counted, row.photos_failed, row.photos_pending, row.photos_duplicate)
        )
    assert whole.rejected == sum(photo.state == "rejected" for photo in expected.photos.values())


def test_the_big_inspection_holds_every_case(whole, expected):
    """Were a case missing, the recomputation would agree without having tried it."""
    assert {row.status for row in whole.photos} == {
        *("succeeded", "failed", "cancelled", "queued", "running"),
        *("duplicate", "rejected", "not_uploaded", "not_in_run"),
    }
    assert any(row.wall is None for row in whole.photos)
    copies = [photo for photo in expected.photos.values() if photo.duplicate_of_id]
    kinds = {
        (expected.content(copy).wall_id == copy.wall_id, expected.fate(expected.content(copy)))
        for copy in copies
    }
    assert kinds == {(True, "succeeded"), (False, "succeeded"), (False, "failed")}
    assert sum(row.photos_duplicate for row in whole.walls) > 0
    assert 0 < whole.walls[0].photos_with_finding < whole.walls[0].photos_counted


def test_every_photo_is_listed_once_a_prompt(whole, expected):
    assert len(whole.photos) == PHOTOS * len(PROMPTS)
    assert {(row.photo_id, row.prompt) for row in whole.photos} == {
        (photo_id, prompt) for photo_id in expected.photos for prompt in PROMPTS
    }
    for row in whole.photos:
        photo = expected.photos[row.photo_id]
        content = expected.content(photo)
        item = expected.items.get((content.id, PROMPTS.index(row.prompt)))
        assert row.status == ("duplicate" if photo.duplicate_of_id else expected.fate(photo))
        assert row.photo == photo.path
        assert row.wall == expected.walls.get(photo.wall_id)
        assert row.duplicate_of == (content.path if content is not photo else None)
        assert row.coverage_pct == (item.coverage_pct if item else None)
        assert row.mask_sha256 == (item.mask_sha256 if item else None)
        task = expected.tasks.get(content.id)
        assert row.code == (content.code or (task.code if task else None))
    order = [(row.wall is None, row.wall, row.photo, PROMPTS.index(row.prompt)) for row in whole.photos]
    assert order == sorted(order, key=lambda place: (place[0], place[1] or "", *place[2:]))


def test_the_worst_photo_of_a_wall_is_a_photo_with_its_highest_coverage(whole):
    best = defaultdict(list)
    for row in whole.photos:
        if row.coverage_pct is not None:
            best[row.wall, row.prompt].append((-row.coverage_pct, row.photo))
    for wall in whole.walls:
        coverage, photos = next(
            (-coverage, [photo for _, photo in group])
            for coverage, group in itertools.groupby(
                sorted(best[wall.wall, wall.prompt]), lambda pair: pair[0]
            )
        )
        assert wall.max_photo_coverage_pct == coverage
        assert wall.worst_photo in photos


def test_a_width_at_the_resolution_limit_is_no_walls_greatest(session, made, whole):
    """Of the first prompt all are, of the second those of the photos without a finding: they are wider."""
    wall_id = whole.walls[0].wall_id
    at_limit = or_(Item.prompt_index == 0, Item.foreground_px == 0)
    session.execute(
        update(Item)
        .where(Item.run_id == made.run_id, Item.photo_id.in_(select(Photo.id).filter_by(wall_id=wall_id)))
        .values(
            length_px=900.0,
            max_width_px=case((at_limit, 30.0), else_=12.0),
            max_width_mm=case((at_limit, 15.0), else_=6.0),
            at_resolution_limit=at_limit,
        )
    )
    first, second = wall_report(session, wall_id).walls
    assert first.length_px == 900.0 * (first.photos_with_length or 0) > 0
    assert (first.max_width_px, first.max_width_mm) == (None, None)
    assert (second.max_width_px, second.max_width_mm) == (12.0, 6.0)


def test_a_length_that_is_not_known_is_not_0_and_the_sum_says_of_how_many_it_is(session, made, whole):
    """Of the first prompt no length is known, of the second those of the photos with a finding."""
    row = whole.walls[0]
    of_wall = Item.photo_id.in_(select(Photo.id).filter_by(wall_id=row.wall_id))
    known = and_(Item.prompt_index == 1, Item.foreground_px > 0)
    session.execute(
        update(Item)
        .where(Item.run_id == made.run_id, of_wall)
        .values(length_px=case((known, 900.0)), review_reasons=["too_complex"])
    )
    first, second = wall_report(session, row.wall_id).walls
    assert (first.length_px, first.photos_with_length) == (None, 0)
    assert 0 < (second.photos_with_length or 0) < second.photos_counted
    assert second.length_px == 900.0 * (second.photos_with_length or 0)


def test_site_and_wall_reports_say_what_the_inspection_says(session, made, whole):
    assert site_report(session, made.site_id, photos=True) == whole
    assert site_report(session, made.site_id, made.inspection_id, made.run_id, photos=True) == whole
    wall = whole.walls[0]
    one = wall_report(session, wall.wall_id, photos=True)
    assert one.walls == [row for row in whole.walls if row.wall_id == wall.wall_id]
    assert one.photos == [row for row in whole.photos if row.wall == wall.wall]
    assert one.rejected == len({row.photo_id for row in one.photos if row.status == "rejected"}) + len(
        {row.photo_id for row in one.photos if row.code == "photo_not_uploaded"}
    )


def test_photos_are_listed_only_where_asked_for(session, made, whole):
    report = inspection_report(session, made.inspection_id)
    assert report.photos == []
    assert report.walls == whole.walls


def test_a_run_is_reported_with_what_made_its_numbers(made, whole):
    run = whole.run
    assert (run.run_id, run.prompts, run.postprocess) == (made.run_id, list(PROMPTS), {"name": "founding"})
    assert run.model == "starter"
    assert run.model_digest


def test_the_newest_inspection_with_an_active_run_speaks_for_the_site(session, made):
    session.execute(
        text("UPDATE inspections SET created_at = now() - interval '1 day' WHERE id = :id"),
        {"id": made.inspection_id},
    )
    session.add(Inspection(id=uuid.uuid4(), site_id=made.site_id, name="newer, not submitted"))
    session.flush()
    assert site_report(session, made.site_id).inspection_id == made.inspection_id


@pytest.mark.parametrize("report", [inspection_report, site_report, wall_report])
def test_what_has_no_run_has_no_report(session, report):
    with pytest.raises(RunError) as caught:
        report(session, uuid.uuid4())
    assert caught.value.code == "run_unknown"


def test_a_run_of_another_inspection_is_refused(session, made):
    other = session.scalar(select(Inspection.id).where(Inspection.id != made.inspection_id))
    with pytest.raises(RunError):
        inspection_report(session, other, run_id=made.run_id)
