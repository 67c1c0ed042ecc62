import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.measure.maps import crack_map
from wallscan.domain.codes import Code
from wallscan.domain.errors import InferenceError, PipelineError
from wallscan.domain.pipelines import FOUNDING, PIPELINE_NAMES
from wallscan.measure import measured
from wallscan.measure.founding import eight_bit
from wallscan.measure.measured import as_probabilities
from wallscan.measure.presence import local_mean
from wallscan.models import Gate
from wallscan.models.manifest import Calibration, CoverageErrors

OPEN = 0.0
maps = arrays(
    np.float32, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.floats(0, 1, width=32)
)


def measure(probabilities, height_px=300, width_px=400, presence=OPEN, postprocess=FOUNDING, **fitted):
    gate = Gate(family=None, presence=presence, **fitted)
    return measured(probabilities, height_px=height_px, width_px=width_px, gate=gate, postprocess=postprocess)


def presence_of(probabilities):
    """The score of a map as it is measured: in 255ths."""
    return local_mean(as_probabilities(eight_bit(probabilities)), max(probabilities.shape))


def test_a_shut_gate_gives_an_empty_mask_and_keeps_the_scores():
    probabilities = crack_map(5)
    presence = presence_of(probabilities)
    shut = measure(probabilities, presence=(1.0 + presence) / 2)
    assert not shut.mask.any()
    assert shut.mask.shape == (300, 400)
    assert shut.numbers.threshold is None
    assert (shut.numbers.foreground_px, shut.numbers.analysed_px) == (0, 120_000)
    assert shut.numbers.presence == presence
    assert shut.numbers.max_probability == pytest.approx(probabilities.max(), abs=0.5 / 255 + 1e-6)


def test_a_gate_at_the_score_is_open():
    probabilities = crack_map(5)
    found = measure(probabilities, presence=presence_of(probabilities))
    assert found.mask.any()
    assert found.numbers.threshold is not None
    assert found.numbers.foreground_px == np.count_nonzero(found.mask)


def test_noise_on_a_clean_wall_is_empty_behind_the_gate_and_speckled_without():
    noise = np.random.default_rng(2).normal(0.05, 0.01, (352, 352)).clip(0, 1).astype(np.float32)
    assert measure(noise, presence=0.5).numbers.foreground_px == 0
    assert measure(noise).numbers.coverage_pct > 5


def test_presence_is_judged_in_views_as_wide_as_gates_were_fitted_on():
    view = crack_map(5)
    mosaic = np.zeros((3 * 352, 4 * 352), np.float32)
    mosaic[352:704, 704:1056] = view
    found = measured(
        mosaic,
        height_px=1056,
        width_px=1408,
        gate=Gate(family=None, presence=OPEN),
        postprocess=FOUNDING,
        view_cells=352,
    )
    assert found.numbers.presence == local_mean(as_probabilities(eight_bit(mosaic)), 352)


def test_without_any_probability_nothing_is_found():
    found = measure(np.zeros((22, 22), np.float32))
    assert found.numbers.foreground_px == 0
    assert found.numbers.components == 0
    assert found.numbers.max_probability == 0.0


@given(maps, st.integers(1, 90), st.integers(1, 90), st.floats(0, 1), st.sampled_from(PIPELINE_NAMES))
def test_mask_and_numbers_belong_together(probabilities, height_px, width_px, presence, name):
    chosen = {"name": name}
    found = measure(probabilities, height_px, width_px, presence, chosen)
    again = measure(as_probabilities(found.levels), height_px, width_px, presence, chosen)
    assert np.array_equal(found.mask, again.mask)
    assert found.numbers == again.numbers
    assert found.mask.shape == (height_px, width_px)
    assert set(np.unique(found.mask)) <= {0, 255}
    assert found.numbers.foreground_px == np.count_nonzero(found.mask)
    assert (found.numbers.threshold is None) == (found.numbers.presence < presence)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_map_that_is_not_finite_is_refused(value):
    probabilities = crack_map(1)
    probabilities[3, 4] = value
    with pytest.raises(InferenceError) as caught:
        measure(probabilities)
    assert caught.value.code is Code.INFERENCE_NOT_FINITE


@pytest.mark.parametrize("value", [-0.01, 1.01])
def test_a_map_of_no_probabilities_is_refused(value):
    probabilities = crack_map(1)
    probabilities[3, 4] = value
    with pytest.raises(InferenceError) as caught:
        measure(probabilities)
    assert caught.value.code is Code.INFERENCE_FAILED


def test_an_unknown_pipeline_is_refused():
    with pytest.raises(PipelineError) as caught:
        measure(crack_map(1), postprocess={"name": "other", "version": 1})
    assert caught.value.code is Code.PIPELINE_UNKNOWN


def test_the_estimated_coverage_comes_from_the_calibration_and_not_from_the_mask():
    fitted = {
        "calibration": {"slope": 1.0, "intercept": 0.0},
        "coverage_errors": {"found": (-1.0, 1.0), "silent": (0.0, 0.5)},
    }
    probabilities = crack_map(5)
    found, shut = (measure(probabilities, presence=presence, **fitted).numbers for presence in (0.0, 1.0))
    assert found.estimated_coverage_pct == pytest.approx(100 * probabilities.mean(), abs=0.2)
    assert shut.estimated_coverage_pct == found.estimated_coverage_pct
    assert found.estimated_low_pct < found.estimated_coverage_pct < found.estimated_high_pct
    assert shut.estimated_low_pct == 0.0, "nothing was found, so nothing at all is among what is possible"
    assert measure(probabilities).numbers.estimated_coverage_pct is None


def test_a_map_of_another_kind_than_the_calibration_was_fitted_on_has_no_estimate():
    fitted = Gate(
        family=None,
        presence=OPEN,
        calibration=Calibration(slope=1.0, intercept=0.0),
        coverage_errors=CoverageErrors(found=(-1.0, 1.0), silent=(0.0, 0.5)),
    )
    told = {
        estimate: measured(
            crack_map(5), height_px=300, width_px=400, gate=fitted, postprocess=FOUNDING, estimate=estimate
        )
        for estimate in (True, False)
    }
    assert told[True].numbers.estimated_low_pct is not None
    for name in ("coverage", "low", "high"):
        assert getattr(told[False].numbers, f"estimated_{name}_pct") is None
    assert np.array_equal(told[True].mask, told[False].mask)


@pytest.mark.parametrize("name", PIPELINE_NAMES)
def test_memory_stays_near_one_byte_per_pixel(name):
    height_px, width_px = 4000, 5000
    tracemalloc.start()
    found = measure(crack_map(1), height_px, width_px, postprocess={"name": name})
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.mask.nbytes == height_px * width_px
    assert peak_bytes < 2 * height_px * width_px
