import contextlib
import hashlib
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.photos import corpus, zips
from tests.photos.pictures import encode, heic, wall
from wallscan.domain.codes import Code
from wallscan.domain.errors import ArchiveError
from wallscan.photos.archives import Entry, Ignored, Rejected, count_entries, iter_photos, unpack_files
from wallscan.photos.limits import ArchiveLimits
from wallscan.photos.sniff import MediaType


def unpack(data, limits=None):
    """(path: bytes, rejected name: code, ignored names)."""
    photos, rejected, ignored = {}, {}, []
    for item in iter_photos(io.BytesIO(data), limits or ArchiveLimits()):
        match item:
            case Entry():
                photos[item.path] = item.file.read()
            case Rejected():
                rejected[item.name] = item.code
            case Ignored():
                ignored.append(item.name)
    return photos, rejected, ignored


@pytest.mark.parametrize("fault", corpus.bad_archives())
def test_every_bad_archive_gets_its_code_and_the_other_photos_go_on(fault):
    bad = corpus.bad_archives()[fault]
    if bad.code is not None:
        with pytest.raises(ArchiveError) as caught:
            unpack(bad.data)
        assert caught.value.code is bad.code
        return
    photos, rejected, _ = unpack(bad.data)
    assert tuple(photos) == bad.photos
    assert rejected == bad.rejected


def test_entries_tell_their_bytes_type_and_hash():
    files = {"lobby/1.jpg": encode(wall()), "stairs/2.heic": heic(), "3.png": encode(wall(), "PNG")}
    entries = {}
    for item in iter_photos(io.BytesIO(zips.make(files))):
        assert isinstance(item, Entry)
        assert item.sha256 == hashlib.sha256(files[item.path]).hexdigest()
        assert item.size_bytes == len(files[item.path])
        assert item.file.read() == files[item.path]
        entries[item.path] = item.media_type
    assert entries == {
        "lobby/1.jpg": MediaType.JPEG,
        "stairs/2.heic": MediaType.HEIC,
        "3.png": MediaType.PNG,
    }


def test_an_entry_is_closed_when_the_next_is_taken():
    items = iter_photos(io.BytesIO(zips.make({"a.jpg": encode(wall()), "b.jpg": encode(wall())})))
    first = next(items)
    assert isinstance(first, Entry)
    next(items)
    assert first.file.closed


def test_folders_and_clutter_are_passed_over_but_counted():
    clutter = [
        "a/",
        "__MACOSX/a/._1.jpg",
        "__MACOSX/2.jpg",
        "a/.DS_Store",
        "a/Thumbs.db",
        "a/._1.jpg",
        "desktop.ini",
    ]
    photos, rejected, ignored = unpack(
        zips.make(
            [*((name, b"" if name.endswith("/") else b"x") for name in clutter), ("a/1.jpg", encode(wall()))]
        )
    )
    assert list(photos) == ["a/1.jpg"]
    assert rejected == {}
    assert ignored == clutter


@pytest.mark.parametrize(
    ("raw", "utf8_flag", "path"),
    [
        ("büro/übersicht.jpg".encode(), True, "büro/übersicht.jpg"),
        ("büro/übersicht.jpg".encode(), False, "büro/übersicht.jpg"),
        ("büro/1.jpg".encode("cp437"), False, "büro/1.jpg"),
        ("bu\u0308ro/1.jpg".encode(), True, "büro/1.jpg"),
        ("会議室/壁.jpg".encode(), True, "会議室/壁.jpg"),
        (b"lobby\\north\\1.jpg", False, "lobby/north/1.jpg"),
    ],
)
def test_names_are_read_whatever_the_tool_that_wrote_them(raw, utf8_flag, path):
    photos, rejected, _ = unpack(zips.with_raw_name(raw, encode(wall()), utf8_flag=utf8_flag))
    assert (list(photos), rejected) == ([path], {})


def test_a_name_that_is_no_utf8_inside_fails_its_entry_alone():
    data = zips.with_raw_name("bü.jpg".encode(), encode(wall()), utf8_flag=True)
    local = data.index("bü".encode())
    photos, rejected, _ = unpack(data[: local + 2] + b"\xff" + data[local + 3 :])
    assert (photos, rejected) == ({}, {"bü.jpg": Code.ARCHIVE_ENTRY_CORRUPT})


def test_two_spellings_of_one_name_are_one_name():
    photo = encode(wall())
    photos, rejected, _ = unpack(zips.make([("bu\u0308ro.jpg", photo), ("büro.jpg", photo)]))
    assert list(photos) == ["büro.jpg"]
    assert rejected == {"büro.jpg": Code.ARCHIVE_ENTRY_DUPLICATE}


def test_an_entry_over_its_limit_is_rejected_and_the_rest_goes_on():
    files = {"big.png": encode(wall(400, 300), "PNG"), "small.jpg": encode(wall())}
    photos, rejected, _ = unpack(zips.make(files), ArchiveLimits(max_entry_bytes=5000))
    assert list(photos) == ["small.jpg"]
    assert rejected == {"big.png": Code.PHOTO_TOO_MANY_BYTES}


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (ArchiveLimits(max_total_bytes=3000), Code.ARCHIVE_BOMB),
        (ArchiveLimits(max_entries=9), Code.ARCHIVE_TOO_MANY_ENTRIES),
    ],
)
def test_all_entries_together_are_limited(limits, code):
    data = zips.make({f"{number}.jpg": encode(wall(seed=number)) for number in range(10)})
    with pytest.raises(ArchiveError) as caught:
        unpack(data, limits)
    assert caught.value.code is code


def test_a_bomb_is_counted_while_unpacking_not_from_its_header():
    bomb = zips.make({"zeros.png": b"\0" * 40_000_000, "fine.jpg": encode(wall())})
    claimed = zips.marked(bomb, "zeros.png", file_size=1 << 40)
    tracemalloc.start()
    photos, rejected, _ = unpack(claimed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert list(photos) == ["fine.jpg"]
    assert rejected == {"zeros.png": Code.ARCHIVE_BOMB}
    assert peak < 20_000_000


def test_a_long_table_of_contents_is_refused_before_it_is_read():
    file = io.BytesIO(corpus.bad_archives()["long table of contents"].data)
    tracemalloc.start()
    with pytest.raises(ArchiveError):
        next(iter_photos(file))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("name", ["climbing path", "bomb", "text file", "duplicate path"])
def test_the_count_is_that_of_the_items(name):
    data = corpus.bad_archives()[name].data
    assert count_entries(io.BytesIO(data)) == sum(1 for _ in iter_photos(io.BytesIO(data)))


def test_large_entries_lie_on_disk_not_in_memory():
    flat = encode(wall(1000, 700), "TIFF")
    data = zips.make({f"{number}.tif": flat for number in range(3)})
    tracemalloc.start()
    items = iter_photos(io.BytesIO(data), ArchiveLimits(spool_bytes=100_000))
    sizes = [item.size_bytes for item in items if isinstance(item, Entry)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sizes == [len(flat)] * 3
    assert peak < len(flat) / 2


GOOD = zips.make({"a/1.jpg": encode(wall()), "b/2.png": encode(wall(8, 8), "PNG"), "c/": b""})


@settings(max_examples=300, deadline=None)
@given(
    edits=st.lists(st.tuples(st.integers(0, len(GOOD)), st.binary(min_size=1, max_size=4)), max_size=5),
    cut=st.integers(len(GOOD) // 2, len(GOOD)) | st.just(len(GOOD)),
)
def test_damaged_archives_raise_nothing_but_archive_error(edits, cut):
    damaged = bytearray(GOOD[:cut])
    for position, replacement in edits:
        damaged[position : position + len(replacement)] = replacement
    with contextlib.suppress(ArchiveError):
        photos, rejected, ignored = unpack(bytes(damaged))
        assert photos or rejected or ignored


def test_files_of_any_kind_lie_under_their_own_paths_and_nowhere_else(tmp_path):
    files = [
        ("cracks/train/1.jpg", b"a picture"),
        ("cracks\\train\\1.xml", b"<annotation/>"),
        ("../outside.txt", b"climbs"),
        ("/etc/absolute.txt", b"absolute"),
        ("cracks/train/1.jpg", b"a second one"),
        ("cracks/train/1.jpg/inside", b"a file is no folder"),
        (f"{'n' * 300}.txt", b"a name that no file system takes"),
        ("__MACOSX/cracks/._1.jpg", b"clutter"),
    ]
    folder = tmp_path / "inside"
    folder.mkdir()
    left_out = [one.code for one in unpack_files(io.BytesIO(zips.make(files)), folder)]
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"inside/cracks/train/1.jpg", "inside/cracks/train/1.xml"}
    assert (folder / "cracks/train/1.jpg").read_bytes() == b"a picture"
    invalid = Code.PATH_INVALID
    assert left_out == [invalid, invalid, Code.ARCHIVE_ENTRY_DUPLICATE, invalid, invalid]


def test_a_file_that_cannot_be_unpacked_is_not_there_in_part(tmp_path):
    data = zips.make({"notes.txt": bytes(range(256)) * 64, "1.json": b"{}"})
    left_out = list(unpack_files(io.BytesIO(zips.damaged(data, "notes.txt")), tmp_path))
    assert [(one.name, one.code) for one in left_out] == [("notes.txt", Code.ARCHIVE_ENTRY_CORRUPT)]
    assert [path.name for path in tmp_path.iterdir()] == ["1.json"]


def test_a_bomb_of_files_is_refused(tmp_path):
    limits = ArchiveLimits(max_total_bytes=1000)
    with pytest.raises(ArchiveError) as caught:
        list(
            unpack_files(io.BytesIO(zips.make({"a.txt": b"x" * 600, "b.txt": b"y" * 600})), tmp_path, limits)
        )
    assert caught.value.code is Code.ARCHIVE_BOMB
    with pytest.raises(ArchiveError) as caught:
        list(unpack_files(io.BytesIO(zips.make({})), tmp_path))
    assert caught.value.code is Code.ARCHIVE_EMPTY
