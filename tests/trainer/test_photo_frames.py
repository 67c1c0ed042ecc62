import random
from dataclasses import replace

import pytest

from tests.trainer.data import document, object_xml, read, write_data, write_photo
from trainer.data import read_samples
from trainer.photo_cache import CACHE_BYTES
from trainer.photo_frames import CLEAN, PhotoFrames, kinds

SIDE = 64
SOURCES = ("crack", "drywall_joint", "pasted_crack", "pasted_joint", CLEAN)
CRACKED = object_xml("crack", box=(8, 8, 24, 24))
JOINTED = object_xml("drywall-join", box=(30, 8, 60, 60))


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Rendered photos of each family, and a clean one in a data set of both."""
    folder = tmp_path_factory.mktemp("data")
    write_photo(folder / "mixed", "both", document(CRACKED + JOINTED))
    write_photo(folder / "mixed", "clean", document(""))
    return read_samples([write_data(folder, count=3, side=SIDE)])[0]


def drawing(samples, turn_share=0.5, cache_bytes=CACHE_BYTES):
    return PhotoFrames(
        samples, mosaic_share=0.3, turn_share=turn_share, anywhere_share=0.2, cache_bytes=cache_bytes
    )


def same(one, other):
    """Two frames with their truths are alike to the pixel."""
    (image, truths), (pixels, masks) = one, other
    assert (image == pixels).all()
    assert truths.keys() == masks.keys()
    assert all((truths[family] == mask).all() for family, mask in masks.items())


def test_a_photo_counts_for_what_it_shows_and_else_as_clean(tmp_path):
    for name, objects in (("crack", CRACKED), ("both", CRACKED + JOINTED), ("clean", "")):
        write_photo(tmp_path, name, document(objects))
    found = {sample.image.stem: kinds(sample) for sample in read(tmp_path)[0].values()}
    assert found == {"crack": ("crack",), "both": ("crack", "drywall joint"), "clean": (CLEAN,)}


@pytest.mark.parametrize(
    ("unsettled", "kind"),
    [({"crack"}, (CLEAN,)), ({"drywall joint"}, (CLEAN,)), ({"crack", "drywall joint"}, ())],
)
def test_a_photo_of_which_nothing_is_known_is_not_clean(samples, unsettled, kind):
    (clean,) = (sample for sample in samples if not sample.families)
    assert kinds(replace(clean, unsettled=frozenset(unsettled))) == kind


def test_clean_frames_are_of_clean_photos_alone_and_show_nothing(samples):
    photos = drawing(samples)
    seen = set()
    for seed in range(20):
        image, truths = photos.draw(CLEAN, 32, (0.3, 1.0), random.Random(seed))
        assert image.shape == (32, 32, 3)
        assert list(truths) == ["crack", "drywall joint"]
        assert not any(mask.any() for mask in truths.values())
        seen.add(int(image[16, 16, 0]))
    assert seen == {180}  # the grey of `write_photo`; a rendered wall has many


def test_a_clean_frame_has_no_truth_of_what_is_unsettled(samples):
    cleared = [replace(one, unsettled=frozenset({"crack"})) for one in samples if not one.families]
    photos = drawing(cleared)
    assert list(photos.draw(CLEAN, 32, (0.3, 1.0), random.Random(1))[1]) == ["drywall joint"]


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_kept_changes_no_frame(samples, source):
    keeping, forgetting = drawing(samples), drawing(samples, cache_bytes=1)
    for seed in range(40):
        same(*(photos.draw(source, 32, (0.3, 1.0), random.Random(seed)) for photos in (keeping, forgetting)))


@pytest.mark.parametrize("source", ["pasted_crack", "pasted_joint"])
def test_what_is_pasted_into_a_frame_stays_out_of_the_photo(tmp_path, source):
    """A frame may be the photo itself: of its size, and neither cut nor turned."""
    side = 16
    write_photo(tmp_path, "seam", document(object_xml("drywall-join", box=(6, 0, 9, side)), side), side)
    write_photo(tmp_path, "crack", document(object_xml("crack", box=(2, 2, 9, 9)), side), side)
    samples = list(read(tmp_path)[0].values())
    keeping, forgetting = (drawing(samples, turn_share=0.0, cache_bytes=n) for n in (CACHE_BYTES, 1))
    for seed in range(60):
        same(*(photos.draw(source, side, (1, 1), random.Random(seed)) for photos in (keeping, forgetting)))
