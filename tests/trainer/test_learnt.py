"""What a bundle tells of the photos it learnt from, and what a benchmark leaves out for it."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.models.bundles import write_tiny_bundle
from trainer.benchmark import Benchmark
from trainer.data import Photos, load_rgb, read_samples
from trainer.data.looks import known, looks_of
from trainer.learnt import learnt_by, unseen, write_learnt
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models.files import LEARNT


@pytest.fixture(scope="module")
def samples(data):
    return read_samples([data])[0]


@pytest.fixture
def bundle(tmp_path, samples):
    folder = tmp_path / "bundle"
    write_tiny_bundle(folder)
    write_learnt(Photos(samples[:2], samples[2:3], samples[3:]), None, folder)
    return folder


def benchmark(samples):
    return Benchmark("made up", "0" * 64, samples)


def test_photos_learnt_from_and_held_out_are_told_and_those_that_judge_are_not(bundle, samples):
    assert learnt_by(bundle) == {sample.looks[0] for sample in samples[:3]}
    lines = (bundle / LEARNT).read_text().splitlines()
    assert lines == sorted(lines)
    assert {len(line) for line in lines} == {16}


def test_a_benchmark_leaves_out_what_either_bundle_learnt_from(bundle, samples, tmp_path):
    silent = tmp_path / "silent"
    write_tiny_bundle(silent)
    left = unseen(benchmark(samples), [silent, bundle])
    expected = [sample for sample in samples if not known([sample.looks], sorted(learnt_by(bundle)))[0]]
    assert list(left.samples) == expected
    assert left.left_out == len(samples) - len(expected) >= 3
    assert unseen(benchmark(samples), [silent]) == benchmark(samples)


def test_a_copy_under_another_name_turned_and_darkened_is_known(bundle, samples):
    pixels = load_rgb(samples[0].image)
    copies = [np.rot90(pixels), pixels[:, ::-1], (pixels * 0.8).astype(np.uint8)]
    turned = [replace(samples[0], looks=looks_of(np.ascontiguousarray(copy))) for copy in copies]
    assert unseen(benchmark(turned), [bundle]).left_out == len(turned)


def test_a_photo_without_looks_is_neither_told_nor_left_out(bundle, samples):
    blind = replace(samples[0], looks=())
    write_learnt(Photos([blind], [], []), None, bundle)
    assert learnt_by(bundle) == frozenset()
    assert unseen(benchmark([blind]), [bundle]).samples == [blind]


def test_what_a_base_learnt_counts_for_what_is_made_of_it(bundle, samples, tmp_path):
    made = tmp_path / "made"
    shutil.copytree(bundle, made)
    write_learnt(Photos(samples[4:5], [], []), bundle, made)
    assert learnt_by(made) == learnt_by(bundle) | {samples[4].looks[0]}


@pytest.mark.parametrize("content", ["0123", "x" * 16, "0" * 17, "é"])
def test_a_list_that_is_something_else_is_refused(bundle, content):
    (bundle / LEARNT).write_text(content, encoding="utf-8")
    with pytest.raises(BundleError) as caught:
        learnt_by(bundle)
    assert caught.value.code is Code.BUNDLE_FILE_FORBIDDEN
