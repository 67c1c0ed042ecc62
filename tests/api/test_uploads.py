import uuid

import pytest

from tests.api.calling import entry, problem, put
from tests.photos.corpus import bad_photos
from tests.photos.pictures import encode, wall
from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError
from wallscan.photos.decode import check
from wallscan.photos.limits import PhotoLimits
from wallscan.records import arrivals
from wallscan.records.session import transaction
from wallscan.storage import S3ObjectStore, keys
from wallscan.wire.uploads import MAX_PHOTO_BYTES

JPEG = encode(wall())


def photos(api, inspection, **params):
    return {
        photo["path"]: photo for photo in api.read(f"/v1/inspections/{inspection}/photos", **params)["items"]
    }


def test_announced_files_go_straight_to_storage(api, store):
    inspection = api.inspection()
    (outcome,) = api.announce(inspection, entry("north/a.jpg", JPEG))
    assert outcome["outcome"] == "upload"
    assert put(outcome, JPEG).status_code == 200
    key = keys.photo(uuid.UUID(inspection), uuid.UUID(outcome["photo_id"]))
    assert store.get(key) == JPEG
    assert photos(api, inspection)["north/a.jpg"]["wall"] == "north"


def test_the_address_takes_only_the_announced_bytes(api):
    (outcome,) = api.announce(api.inspection(), entry("north/a.jpg", JPEG))
    assert put(outcome, JPEG[:-1] + b"?").status_code in (400, 403)


def test_each_file_has_its_own_outcome(api):
    site = api.site()
    api.make(f"/v1/sites/{site}/walls", {"name": "north"})
    inspection = api.inspection(site)
    files = {
        "good/a.jpg": entry("good/a.jpg", b"a"),
        "empty": entry("good/b.jpg", b""),
        "huge": entry("good/c.jpg") | {"size_bytes": MAX_PHOTO_BYTES + 1},
        "climbs": entry("../d.jpg", b"d"),
        "absolute": entry("/e.jpg", b"e"),
        "wall unknown": entry("f.jpg", b"f", wall="south"),
        "wall invalid": entry("g.jpg", b"g", wall=" "),
        "wall known": entry("h.jpg", b"h", wall="north"),
    }
    outcomes = api.announce(inspection, *files.values())
    assert [outcome["path"] for outcome in outcomes] == [file["path"] for file in files.values()]
    assert [outcome["code"] for outcome in outcomes] == [
        None,
        Code.PHOTO_EMPTY,
        Code.PHOTO_TOO_MANY_BYTES,
        Code.PATH_INVALID,
        Code.PATH_INVALID,
        Code.WALL_UNKNOWN,
        Code.WALL_NAME_INVALID,
        None,
    ]
    listed = photos(api, inspection)
    assert {path: photo["state"] for path, photo in listed.items()} == {
        "good/a.jpg": "expected",
        "good/b.jpg": "rejected",
        "good/c.jpg": "rejected",
        "f.jpg": "rejected",
        "g.jpg": "rejected",
        "h.jpg": "expected",
    }
    assert listed["h.jpg"]["wall"] == "north"
    assert list(photos(api, inspection, state="rejected")) == ["f.jpg", "g.jpg", "good/b.jpg", "good/c.jpg"]
    assert api.read(f"/v1/inspections/{inspection}")["photos"] == {
        "expected": 2,
        "stored": 0,
        "rejected": 4,
        "duplicate": 0,
    }


def test_the_same_bytes_are_sent_once(api):
    inspection = api.inspection()
    first, second = api.announce(inspection, entry("north/a.jpg", JPEG), entry("south/a.jpg", JPEG))
    assert (first["outcome"], second["outcome"]) == ("upload", "duplicate")
    assert second["duplicate_of"] == first["photo_id"] != second["photo_id"]
    (third,) = api.announce(inspection, entry("west/a.jpg", JPEG))
    assert third["duplicate_of"] == first["photo_id"]


def test_announcing_again_goes_on_where_it_stopped(api):
    inspection = api.inspection()
    (first,) = api.announce(inspection, entry("north/a.jpg", JPEG))
    (again,) = api.announce(inspection, entry("north/a.jpg", JPEG))
    assert (again["outcome"], again["photo_id"]) == ("upload", first["photo_id"])
    api.upload(inspection, ("north/a.jpg", JPEG))
    (stored,) = api.announce(inspection, entry("north/a.jpg", JPEG))
    assert (stored["outcome"], stored["photo_id"]) == ("duplicate", first["photo_id"])


def test_what_arrived_meanwhile_is_not_asked_for_again(api):
    inspection = api.inspection()
    first, _ = api.announce(inspection, entry("north/a.jpg", JPEG), entry("north/b.jpg", b"not yet"))
    put(first, JPEG)
    arrived, missing = api.announce(inspection, entry("north/a.jpg", JPEG), entry("north/b.jpg", b"not yet"))
    assert (arrived["outcome"], missing["outcome"]) == ("stored", "upload")
    assert photos(api, inspection, state="stored").keys() == {"north/a.jpg"}


def give_up(engine, inspection):
    """What a run does with photos whose bytes it does not find."""
    with transaction(engine) as session:
        waited = arrivals.awaited(session, uuid.UUID(inspection))
        arrivals.settle(session, uuid.UUID(inspection), waited, frozenset())


def test_what_was_given_up_and_is_in_storage_is_not_asked_for_again(api, engine):
    inspection = api.inspection()
    files = entry("north/a.jpg", JPEG), entry("north/b.jpg", b"not yet")
    first, _ = api.announce(inspection, *files)
    put(first, JPEG)
    give_up(engine, inspection)
    arrived, missing = api.announce(inspection, *files)
    assert (arrived["outcome"], arrived["target"], arrived["photo_id"]) == ("stored", None, first["photo_id"])
    assert missing["outcome"] == "upload"
    assert photos(api, inspection, state="stored").keys() == {"north/a.jpg"}


def test_a_path_that_is_given_away_while_its_bytes_are_stored_is_a_conflict(api, engine, monkeypatch):
    inspection = api.inspection()
    store_bytes = S3ObjectStore.put

    def meanwhile(*arguments):
        give_up(engine, inspection)
        api.announce(inspection, entry("north/a.jpg", b"other"))
        store_bytes(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(S3ObjectStore, "put", meanwhile)
        (outcome,) = api.upload(inspection, ("north/a.jpg", JPEG))
    assert (outcome["outcome"], outcome["photo_id"]) == ("rejected", None)
    assert outcome["code"] == Code.PATH_CONFLICT
    assert photos(api, inspection)["north/a.jpg"]["state"] == "expected"


def test_a_path_is_taken_by_a_usable_photo_only(api):
    inspection = api.inspection()
    api.announce(inspection, entry("a.jpg", b"one"), entry("b.jpg", b""))
    conflict, replaced = api.announce(inspection, entry("a.jpg", b"two"), entry("b.jpg", b"filled"))
    assert (conflict["outcome"], conflict["code"]) == ("rejected", Code.PATH_CONFLICT)
    assert replaced["outcome"] == "upload"
    (empty,) = api.announce(inspection, entry("a.jpg", b""))
    assert empty["code"] == Code.PHOTO_EMPTY
    assert {photo["state"] for photo in photos(api, inspection).values()} == {"expected"}


def test_names_of_any_script_and_spelling(api):
    inspection = api.inspection()
    composed, decomposed = "K\u00fcche/\u5899.jpg", "Ku\u0308che/\u5899.jpg"
    first, second = api.announce(inspection, entry(composed, b"1"), entry(decomposed, b"2"))
    assert first["outcome"] == "upload"
    assert second["code"] == Code.PATH_CONFLICT
    (sent,) = api.upload(inspection, ("Flur \U0001f9f1/\u00e9\u00e8.jpg", JPEG))
    assert sent["outcome"] == "stored"
    assert photos(api, inspection)["Flur \U0001f9f1/\u00e9\u00e8.jpg"]["wall"] == "Flur \U0001f9f1"


def test_the_same_name_in_two_folders_is_two_photos(api):
    outcomes = api.upload(api.inspection(), ("north/a.jpg", JPEG), ("south/a.jpg", encode(wall(seed=1))))
    assert [outcome["outcome"] for outcome in outcomes] == ["stored", "stored"]


def code_at_the_door(data):
    """The code of a fault that the file's structure shows; None for what only a decoder finds."""
    try:
        check(data)
    except PhotoError as error:
        return error.code
    return None


def test_bad_photos_in_a_form_never_stop_the_good_ones(api):
    inspection = api.inspection()
    bad = [(name, data) for name, data, code in bad_photos().values() if code_at_the_door(data) is code]
    files = [(f"north/{place}-{name}", data) for place, (name, data) in enumerate(bad)]
    outcomes = api.upload(inspection, ("north/first.jpg", JPEG), *files, ("north/last.jpg", JPEG))
    assert len(bad) >= 20
    assert [outcome["code"] for outcome in outcomes[1:-1]] == [code_at_the_door(data) for _, data in bad]
    assert (outcomes[0]["outcome"], outcomes[-1]["outcome"]) == ("stored", "duplicate")
    assert outcomes[-1]["duplicate_of"] == outcomes[0]["photo_id"]
    counts = api.read(f"/v1/inspections/{inspection}")["photos"]
    assert counts == {"expected": 0, "stored": 1, "rejected": len(bad), "duplicate": 1}


def test_of_a_form_only_good_photos_are_stored(api, store):
    inspection = api.inspection()
    good, _ = api.upload(inspection, ("a.jpg", JPEG), ("b.jpg", b"no picture"))
    assert [key.rpartition("/")[2] for key in store.list("photos/")] == [good["photo_id"]]


def test_a_form_serves_a_photo_that_was_announced_under_another_path(api, store):
    inspection = api.inspection()
    (announced,) = api.announce(inspection, entry("north/a.jpg", JPEG))
    (sent,) = api.upload(inspection, ("south/a.jpg", JPEG))
    assert sent["duplicate_of"] == announced["photo_id"]
    assert {photo["state"] for photo in photos(api, inspection).values()} == {"stored"}
    assert store.get(keys.photo(uuid.UUID(inspection), uuid.UUID(announced["photo_id"]))) == JPEG


def test_a_form_for_one_wall(api):
    site = api.site()
    api.make(f"/v1/sites/{site}/walls", {"name": "north"})
    inspection = api.inspection(site)
    assert api.upload(inspection, ("a.jpg", JPEG), wall="south")[0]["code"] == Code.WALL_UNKNOWN
    assert api.upload(inspection, ("a.jpg", JPEG), wall="north")[0]["outcome"] == "stored"
    assert photos(api, inspection)["a.jpg"]["wall"] == "north"


def test_a_form_without_files_is_no_upload(api):
    answer = api.post(f"/v1/inspections/{api.inspection()}/photos", data={"wall": "north"})
    problem(answer, 422, Code.REQUEST_INVALID)


@pytest.mark.parametrize("field", [{"sha256": "XYZ"}, {"size_bytes": -1}, {"path": None}, {"colour": "red"}])
def test_a_manifest_that_breaks_the_contract_is_refused_whole(api, field):
    body = {"files": [entry("a.jpg") | field]}
    answer = api.post(f"/v1/inspections/{api.inspection()}/uploads", json=body)
    assert problem(answer, 422, Code.REQUEST_INVALID)["errors"][0]["field"] == f"files.0.{next(iter(field))}"


def test_contract_and_library_agree_on_the_largest_photo():
    assert PhotoLimits().max_bytes == MAX_PHOTO_BYTES
