import math

import cv2
import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from tests.trainer.small import small_recipe
from trainer.line_filters import DIRECTIONS, SLOPES, line_filters, places_for, surface_filters
from trainer.model import build
from trainer.recipe import shipped_recipe

PATCH, PLACES = 10, 5


def patch_with_line(direction: int, at: tuple[float, float]) -> torch.Tensor:
    """(1, 3, PATCH, PATCH): a dark line through `at` (row, column) on a bright patch."""
    angle = math.pi * direction / DIRECTIONS  # the filter's normal
    along = np.array([-math.sin(angle), math.cos(angle)])  # x, y
    middle = np.array([at[1], at[0]])
    scale, image = 16, np.full((16 * PATCH, 16 * PATCH), 1.0, np.float32)
    start, end = (((middle + way * 2 * PATCH * along) * scale).astype(int).tolist() for way in (-1, 1))
    cv2.line(image, start, end, 0.0, 2 * scale)
    small = cv2.resize(image, (PATCH, PATCH), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small).expand(1, 3, PATCH, PATCH)


@pytest.mark.parametrize("direction", range(DIRECTIONS))
@pytest.mark.parametrize("place", [(1, 3), (2, 2), (4, 1)])
def test_a_dark_line_is_answered_most_by_a_filter_of_its_direction_that_lies_on_it(direction, place):
    row, column = ((at + 0.5) * PATCH / PLACES for at in place)
    answers = conv2d(patch_with_line(direction, (row, column)), line_filters(PATCH, PLACES)).flatten()
    chosen, where = divmod(int(answers.argmax()), PLACES**2)
    assert chosen == direction
    y, x = ((at + 0.5) * PATCH / PLACES for at in divmod(where, PLACES))
    angle = math.pi * direction / DIRECTIONS
    assert abs((x - column) * math.cos(angle) + (y - row) * math.sin(angle)) < PATCH / PLACES


def test_an_even_surface_is_no_line():
    even = torch.full((1, 3, PATCH, PATCH), 0.8)
    assert conv2d(even, line_filters(PATCH, PLACES)).abs().max() < 1e-4


def test_the_surface_is_told_by_its_brightness_slopes_and_colours():
    even = torch.ones(1, 3, PATCH, PATCH)
    answers = conv2d(even, surface_filters(PATCH)).flatten()
    assert len(answers) == SLOPES
    assert answers[0] > 0.5
    assert answers[1:].abs().max() < 1e-5
    darker_to_the_right = torch.linspace(1, 0, PATCH).expand(1, 3, PATCH, PATCH)
    assert conv2d(darker_to_the_right, surface_filters(PATCH)).flatten()[1:].abs().argmax() == 0


@pytest.mark.parametrize(("channels", "patch", "places"), [(160, 10, 5), (16, 8, 1), (11, 8, 0), (900, 8, 4)])
def test_lines_have_as_many_places_as_there_are_channels_for(channels, patch, places):
    assert places_for(channels, patch) == places


def test_a_fresh_model_holds_them_behind_its_position_channels():
    recipe = shipped_recipe("starter")
    vision = build(recipe).clip.vision_model
    head = recipe.width // recipe.heads
    lines = line_filters(recipe.patch_size, places_for(recipe.width - head, recipe.patch_size))
    patches = vision.embeddings.patch_embedding.weight
    assert not patches[:head].any()
    assert torch.equal(patches[head : head + len(lines)], lines)
    darker, brighter = vision.encoder.layers[0].mlp.fc1.weight[[0, len(lines)]]
    assert darker.argmax() == brighter.argmin() == head


def test_a_model_too_narrow_for_any_starts_from_noise():
    vision = build(small_recipe(width=16, heads=2)).clip.vision_model
    assert vision.embeddings.patch_embedding.weight[8:].std() > 0.05
