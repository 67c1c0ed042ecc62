import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wallscan.measure.coverage_estimate import CoverageEstimate
from wallscan.measure.numbers import numbers, within
from wallscan.records.tables import Item

shapes = st.tuples(st.integers(1, 20), st.integers(1, 20))
masks = arrays(np.uint8, shapes, elements=st.sampled_from([0, 255]))
maps = arrays(np.float32, shapes, elements=st.floats(0, 1, width=32))


def test_numbers_of_a_known_mask():
    mask = np.zeros((10, 20), np.uint8)
    mask[1:3, 1:6] = 255
    mask[7, 7] = 255
    probabilities = np.array([[0.0, 0.5], [0.5, 1.0]], np.float32)
    found = numbers(mask, probabilities, presence=0.9, threshold=0.4)
    assert (found.foreground_px, found.analysed_px, found.coverage_pct) == (11, 200, 5.5)
    assert (found.components, found.largest_component_px) == (2, 10)
    assert (found.mean_probability, found.max_probability) == (0.5, 1.0)
    assert (found.presence, found.threshold) == (0.9, 0.4)


@given(masks, maps)
def test_numbers_obey_the_constraints_of_their_row(mask, probabilities):
    found = numbers(mask, probabilities, presence=0.5, threshold=None)
    assert found == numbers(mask.copy(), probabilities.copy(), presence=0.5, threshold=None)
    assert 0 <= found.largest_component_px <= found.foreground_px <= found.analysed_px == mask.size
    assert 0.0 <= found.mean_probability <= found.max_probability + 1e-7 <= 1.0 + 1e-7
    assert (found.components == 0) == (found.foreground_px == 0)
    assert found.coverage_pct == pytest.approx(100.0 * (mask > 0).mean())


def test_within_an_area_is_counted_anew_and_nothing_is_estimated_of_it():
    mask, area = np.zeros((10, 20), np.uint8), np.zeros((10, 20), np.uint8)
    mask[4:6, 2:12], mask[8, 18], area[:, 5:15] = 255, 255, 255
    probabilities = np.array([[0.0, 1.0]], np.float32)
    whole = numbers(mask, probabilities, 0.9, 0.4, CoverageEstimate(12.0, 8.0, 15.0))
    assert (whole.estimated_coverage_pct, whole.estimated_low_pct, whole.estimated_high_pct) == (12, 8, 15)
    found = within(whole, mask, area)
    assert (found.foreground_px, found.analysed_px, found.coverage_pct) == (14, 100, 14.0)
    assert (found.components, found.largest_component_px) == (1, 14)
    assert (found.presence, found.threshold, found.mean_probability) == (0.9, 0.4, 0.5)
    assert (found.estimated_coverage_pct, found.estimated_low_pct, found.estimated_high_pct) == (None,) * 3


def test_every_number_is_a_column_of_the_item():
    assert set(numbers.__annotations__["return"].__slots__) <= set(Item.__table__.columns.keys())
