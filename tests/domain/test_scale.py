import pytest

from wallscan.domain.area import sought, wall_prompt
from wallscan.domain.scale import ScaleSource, scale_of_points
from wallscan.domain.widths import WIDTH_BANDS, width_band


def test_two_points_give_a_scale():
    scale = scale_of_points((10.0, 20.0), (310.0, 420.0), 250.0)
    assert (scale.mm_per_px, scale.source) == (0.5, ScaleSource.TWO_POINTS)


@pytest.mark.parametrize(
    ("one", "other", "distance_mm"),
    [((1, 1), (1, 1), 100.0), ((0, 0), (1, 0), 5000.0), ((0, 0), (9, 0), 1e-3)],
)
def test_points_that_give_no_scale_are_refused(one, other, distance_mm):
    with pytest.raises(ValueError, match=r"same|outside"):
        scale_of_points(one, other, distance_mm)


@pytest.mark.parametrize(
    ("width_mm", "band"), [(0.0, 0), (0.1, 0), (0.11, 1), (1.0, 1), (4.9, 2), (5.1, 3), (15.1, 4), (25.1, 5)]
)
def test_bands_of_width(width_mm, band):
    assert width_band(width_mm) == band
    assert WIDTH_BANDS[band].number == band


def test_the_wall_prompt_is_the_first_that_asks_for_the_wall():
    assert wall_prompt(("crack", "Wall", "the wall")) == 1
    assert wall_prompt(("crack", "drywall joint")) is None


def test_what_was_sought_is_not_the_wall_itself_unless_nothing_else_was():
    assert sought(["crack", "Wall", "wall surface", "wall crack"]) == {"crack", "wall crack"}
    assert sought(["A wall", "the wall"]) == {"A wall", "the wall"}
