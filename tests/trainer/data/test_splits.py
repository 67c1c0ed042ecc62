import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.trainer.data import document, noted, object_xml, read, write_data, write_image, write_photo
from trainer.data import (
    Sample,
    Shape,
    SplitBy,
    find_leaks,
    load_rgb,
    parts,
    read_photos,
    read_samples,
    split_by_group,
)
from trainer.data.looks import alike, looks_of
from trainer.data.report import Reason
from wallscan.photos.hashing import perceptual_hash

BOX = object_xml("crack", box=(8, 8, 24, 24))
SHAPE = Shape(np.zeros((4, 2), np.float32), is_box=True)


def write(folder, name, seed):
    write_image(write_photo(folder, name, document(BOX)), seed=seed)


@pytest.fixture
def leaky(tmp_path):
    """Two sources in both folders, one of them a turned copy under another name, and three sound photos."""
    train, valid = tmp_path / "train", tmp_path / "valid"
    write(train, "wall_jpg.rf.aaa", 1)
    write(valid, "wall_jpg.rf.bbb", 2)
    write(train, "plain", 3)
    write(valid, "turned", 0)
    turned = np.rot90(load_rgb(train / "plain.jpg"))[:, ::-1, ::-1]
    cv2.imwrite(str(valid / "turned.jpg"), turned)
    for number, folder in enumerate((train, train, valid), 4):
        write(folder, f"other{number}", number)
    return tmp_path


def test_roboflows_names_and_looks_make_groups(leaky):
    samples, _ = read(leaky)
    groups = {name: sample.group for name, sample in samples.items()}
    assert groups["train/wall_jpg.rf.aaa.jpg"] == groups["valid/wall_jpg.rf.bbb.jpg"]
    assert groups["train/plain.jpg"] == groups["valid/turned.jpg"]
    assert len(set(groups.values())) == 5


def test_leaks_of_a_given_split_are_told_with_examples(leaky):
    split = parts(read_samples([leaky])[0], SplitBy.OFFICIAL)
    report = find_leaks(split["train"], split["valid"])
    assert report.document() == {
        "crack": {
            "photos": 3,
            "any": 2,
            "source": 1,
            "looks": 1,
            "scene": 0,
            "examples": ["turned.jpg is of plain.jpg", "wall_jpg.rf.bbb.jpg is of wall_jpg.rf.aaa.jpg"],
        }
    }
    assert next(report.lines()).startswith("crack: 2 of 3 validation photos leak")


@pytest.mark.parametrize("by", [SplitBy.GROUPED, SplitBy.SCENES])
def test_a_split_by_groups_leaks_nothing_and_drops_nothing(leaky, by):
    samples, _ = read_samples([leaky])
    split = parts(samples, by)
    assert sorted(map(str, (one.image for side in split.values() for one in side))) == sorted(
        str(one.image) for one in samples
    )
    assert split["valid"]
    assert all(row.any == 0 for row in find_leaks(split["train"], split["valid"]).families.values())


def write_table(root, rows, columns=("kind", "split", "file", "source_photo", "scene")):
    with (root / "images.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


def test_a_table_names_sources_and_scenes(tmp_path):
    for number, (split, name) in enumerate((("train", "a"), ("train", "b"), ("valid", "a"), ("valid", "c"))):
        write(tmp_path / "kind" / split, name, number)
    write_table(
        tmp_path,
        [
            ("kind", "train", "a.jpg", "one", "hall"),
            ("kind", "train", "b.jpg", "two", "stairs"),
            ("kind", "valid", "a.jpg", "two", "hall"),
            ("kind", "valid", "c.jpg", "three", "hall"),
        ],
    )
    samples, report = read_samples([tmp_path])
    assert [(one.source, one.scene) for one in samples] == [
        (f"{tmp_path.name}/kind/{source}", f"{tmp_path.name}/kind/{scene}")
        for source, scene in (("one", "hall"), ("two", "stairs"), ("two", "hall"), ("three", "hall"))
    ]
    assert noted(report) == {}
    given = parts(samples, SplitBy.OFFICIAL)
    row = find_leaks(given["train"], given["valid"]).families["crack"]
    assert (row.source, row.scene, row.any) == (1, 2, 1)
    by_scene = parts(samples, SplitBy.SCENES)  # all hang together
    assert (len(by_scene["train"]), len(by_scene["valid"])) == (4, 0)


def test_a_table_joins_siblings_that_lie_in_different_folders(tmp_path):
    pairs = range(12)
    for pair in pairs:
        write(tmp_path / "north", str(pair), 2 * pair)
        write(tmp_path / "south", f"{pair}-again", 2 * pair + 1)
    write_table(
        tmp_path,
        [
            row
            for pair in pairs
            for row in (
                (f"north/{pair}.jpg", f"IMG_{pair}", f"hall {pair // 2}"),
                (f"{pair}-again.jpg", f"IMG_{pair}", f"hall {pair // 2}"),
            )
        ],
        ("file", "source_photo", "scene"),
    )
    samples, report = read_samples([tmp_path])
    assert noted(report) == {}
    assert len({sample.source for sample in samples}) == len(pairs)
    for by, shared in ((SplitBy.GROUPED, "source"), (SplitBy.SCENES, "scene")):
        learnt, judges = (
            {getattr(one, shared) for one in parts(samples, by)[part]} for part in ("train", "valid")
        )
        assert learnt
        assert judges
        assert learnt.isdisjoint(judges)


@pytest.mark.parametrize("text", [b"file,photo\na.jpg,b\n", b"\xff\xfe\x00", b'file,source_photo\n"a\0'])
def test_a_table_that_cannot_be_read_is_told(tmp_path, text):
    write(tmp_path, "a", 1)
    (tmp_path / "images.csv").write_bytes(text)
    samples, report = read_samples([tmp_path])
    assert len(samples) == 1
    assert set(report.notes) == {Reason.TABLE_BROKEN}
    assert samples[0].source == f"{tmp_path.name}/a.jpg"


def test_siblings_stay_on_one_side_and_every_family_is_held_out(tmp_path):
    samples = parts(read_samples([write_data(tmp_path)])[0], SplitBy.OFFICIAL)["train"]
    train, held_out = split_by_group(samples, 0.3, seed=1)
    assert len(train) + len(held_out) == len(samples) == 16
    assert {sample.families[0] for sample in held_out} == {"crack", "drywall joint"}
    assert not {one.group for one in train} & {one.group for one in held_out}
    assert (train, held_out) == split_by_group(samples, 0.3, seed=1)


def alone(name, *families):
    """A photo like no other."""
    return Sample(Path(name), dict.fromkeys(families, (SHAPE,)), name, source=name)


def names(samples):
    return {sample.source for sample in samples}


@pytest.mark.parametrize("seed", [0, 7])
def test_a_photo_stays_on_its_side_when_others_come(seed):
    photos = [alone(f"a/{number}.jpg", "crack") for number in range(400)]
    more = [alone(f"a/more {number}.jpg", "crack") for number in range(40)]

    def sides(samples):
        split = parts(samples, SplitBy.GROUPED)
        return (*split_by_group(split["train"], 0.1, seed), split["valid"])

    before, after = sides(photos), sides([*more, *photos])
    assert all(names(old) <= names(new) for old, new in zip(before, after, strict=True))
    assert [len(side) / 400 for side in before] == pytest.approx([0.72, 0.08, 0.2], abs=0.05)


def test_a_photo_stays_on_its_side_wherever_its_data_set_is_named():
    photos = [alone(f"0/{number}.jpg", "crack") for number in range(60)]
    elsewhere = [alone(f"1/{number}.jpg", "crack") for number in range(60)]
    held_out = names(split_by_group(photos, 0.3, 7)[1])
    assert {f"1{name[1:]}" for name in held_out} == names(split_by_group(elsewhere, 0.3, 7)[1])


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_of_few_photos_some_are_held_out_and_some_learnt_from(share):
    for seed in range(20):
        photos = [alone(f"a/{family}{number}", family) for family in "xy" for number in range(2)]
        for side in split_by_group(photos, share, seed):
            assert sorted(sample.families[0] for sample in side) == ["x", "y"]
    assert split_by_group(photos, 1.0, 7) == ([], photos)


def test_every_family_is_on_both_sides_also_where_photos_show_two():
    for seed in range(50):
        photos = [
            alone(f"a/{number}.jpg", "crack", *(["drywall joint"] if number < 8 else ()))
            for number in range(40)
        ]
        for side in split_by_group(photos, 0.1, seed):
            assert {family for sample in side for family in sample.families} == {"crack", "drywall joint"}


def test_chance_leaves_a_family_of_few_photos_enough_to_learn_from():
    photos = [alone(f"a/{number}", "crack") for number in range(4)]
    held_out = [len(split_by_group(photos, 0.2, seed)[1]) for seed in range(60)]
    assert set(held_out) == {1, 2}


def test_whole_scenes_are_held_out_of_a_split_by_scene():
    def sample(number, scene):
        name = f"{number}.jpg"
        return Sample(Path(name), {"crack": ()}, name, source=name, scene=scene)

    samples = [sample(number, f"scene {number % 10}") for number in range(60)]
    split = parts(samples, SplitBy.SCENES)
    train, held_out = split_by_group(split["train"], 0.3, seed=1)
    scenes = [{one.scene for one in part} for part in (train, held_out, split["valid"])]
    assert all(scenes)
    assert sum(map(len, scenes)) == 10, "a scene is on one side alone"


def test_a_single_group_is_learnt_from(leaky):
    (sample, *_), _ = read_samples([leaky])
    assert split_by_group([sample, sample], 0.5, seed=1) == ([sample, sample], [])
    assert split_by_group([], 0.5, seed=1) == ([], [])


def test_photos_in_no_splits_folder_are_learnt_from_and_test_is_left_alone(tmp_path):
    for number, folder in enumerate(("", "", "valid", "test")):
        write(tmp_path / folder, f"p{number}", number)
    photos, _ = read_photos([tmp_path], 0.5, 1)
    assert (len(photos.train), len(photos.held_out), len(photos.valid)) == (1, 1, 1)


def test_looks_survive_turning_mirroring_jpeg_and_size(tmp_path):
    pixels, other = (load_rgb(write_image(tmp_path / f"{n}.png", 400, 300, seed=n)) for n in (1, 2))
    _, jpeg = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 40])
    (tmp_path / "low.jpg").write_bytes(jpeg.tobytes())
    copies = [np.rot90(pixels, quarter)[::way] for quarter in range(4) for way in (1, -1)]
    copies += [load_rgb(tmp_path / "low.jpg"), cv2.resize(pixels, (120, 90)).astype(np.uint8)]
    looks = [looks_of(np.ascontiguousarray(copy)) for copy in copies]
    assert sorted(alike([looks_of(pixels)], looks)) == [(0, place) for place in range(10)]
    assert list(alike([looks_of(other)], looks)) == []
    assert (looks[0][0] ^ int(perceptual_hash(pixels), 16)).bit_count() <= 4


def test_all_pairs_of_many_photos_are_compared_as_one_by_one():
    rng = np.random.default_rng(6)
    base = rng.integers(0, 2**63, 40, dtype=np.uint64)
    flips = (rng.random((600, 8)) < 0.3) * (np.uint64(1) << rng.integers(0, 64, (600, 8), dtype=np.uint64))
    hashes = base[rng.integers(0, 40, 600)] ^ np.bitwise_xor.reduce(flips, axis=1)
    looks = [(int(one),) * 8 for one in hashes]
    plain = {
        (i, j)
        for i, one in enumerate(looks)
        for j, other in enumerate(looks)
        if (one[0] ^ other[0]).bit_count() <= 4
    }
    assert set(alike(looks, looks)) == plain
    assert 600 < len(plain) < 600 * 600 / 40
