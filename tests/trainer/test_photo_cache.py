import numpy as np
import pytest

from tests.trainer.data import write_data
from trainer.data import read_samples
from trainer.photo_cache import CACHE_BYTES, PhotoCache

SIDE = 96
PHOTO_BYTES = 5 * SIDE * SIDE
"""Three channels and two masks."""


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return read_samples([write_data(tmp_path_factory.mktemp("data"), side=SIDE)])[0]


@pytest.mark.parametrize("limit", [0, PHOTO_BYTES - 1, PHOTO_BYTES, 3 * PHOTO_BYTES + 1])
def test_no_more_is_kept_than_the_limit(samples, limit):
    cache = PhotoCache(limit)
    for sample in samples * 2:
        assert cache.photo(sample).nbytes == PHOTO_BYTES
        assert cache.nbytes <= limit
    assert cache.nbytes == limit // PHOTO_BYTES * PHOTO_BYTES


def test_the_photo_that_was_not_asked_for_longest_goes_first(samples):
    cache, (first, second, third) = PhotoCache(2 * PHOTO_BYTES), samples[:3]
    kept = [cache.photo(sample) for sample in (first, second, first, third)]
    assert cache.photo(first) is kept[0]
    assert cache.photo(third) is kept[3]
    anew = cache.photo(second)
    assert anew is not kept[1]
    assert (anew.image == kept[1].image).all()
    assert all((anew.masks[family] == mask).all() for family, mask in kept[1].masks.items())


def test_as_a_rule_a_photo_is_decoded_once(samples):
    cache = PhotoCache()
    once, again = ([cache.photo(sample) for sample in samples] for _ in range(2))
    assert all(one is other for one, other in zip(once, again, strict=True))
    assert cache.nbytes == len(samples) * PHOTO_BYTES < CACHE_BYTES
    assert {mask.dtype for photo in once for mask in photo.masks.values()} == {np.dtype(np.uint8)}
