import pytest

from wallscan.domain.coverage import PhotoCoverage, wall_coverage


def test_a_wall_is_pixels_over_pixels_not_a_mean_of_percentages():
    small, large = PhotoCoverage(50, 100), PhotoCoverage(0, 900)
    assert small.coverage_pct == pytest.approx(50.0)
    assert wall_coverage([small, large]).coverage_pct == pytest.approx(5.0)


def test_nothing_analysed_is_no_coverage():
    assert wall_coverage([]).coverage_pct == 0.0
