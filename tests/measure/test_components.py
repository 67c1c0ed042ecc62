import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wallscan.measure.components import component_areas

masks = arrays(
    np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.sampled_from([0, 255])
)


@given(masks, st.integers(1, 1000))
def test_areas_are_those_of_the_whole_mask_however_it_is_cut(mask, band_px):
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    truth = sorted(stats[1:, cv2.CC_STAT_AREA].tolist())
    assert sorted(component_areas(mask, band_px).tolist()) == truth


def test_a_spiral_across_every_seam_is_one_part():
    mask = np.zeros((41, 41), np.uint8)
    for ring in range(0, 20, 4):
        cv2.rectangle(mask, (ring, ring), (40 - ring, 40 - ring), 255)
    mask[20, :] = 255
    assert component_areas(mask, band_px=41).tolist() == [np.count_nonzero(mask)]


def test_an_empty_mask_has_no_parts():
    assert component_areas(np.zeros((7, 9), np.uint8)).size == 0
