"""The shipped weights, really run: they find cracks, and keep silent where there is none."""

import random

import cv2
import pytest

from trainer.render import render
from wallscan.measure.presence import presence_score
from wallscan.models import starter_bundle
from wallscan.segment.engine import load_engine

WALLS = 6


@pytest.fixture(scope="module")
def engine():
    return load_engine(starter_bundle())


def walls(family, seed):
    """Rendered walls of a seed that training never used."""
    rng = random.Random(seed)
    return [render(family, 960, rng) for _ in range(WALLS)]


def passes(engine, image, prompt):
    gate = engine.manifest.gate_for(prompt)
    return presence_score(engine.probabilities(image, [prompt])[0], gate) >= gate.presence


def test_it_finds_rendered_cracks_where_they_are(engine):
    hits = []
    for image, truth in walls("crack", 1001):
        probability = engine.probabilities(image, ["wall crack"])[0]
        on_crack = cv2.resize(probability, truth.shape)[truth > 0].mean()
        hits.append(passes(engine, image, "wall crack") and on_crack > 4 * probability.mean())
    assert sum(hits) >= WALLS - 1


def test_it_is_silent_on_clean_walls(engine):
    fired = [passes(engine, image, "crack") for image, _ in walls(None, 1002)]
    assert sum(fired) <= 1


@pytest.mark.parametrize("prompt", ["a cat", "window", "umbrella"])
def test_it_is_silent_on_prompts_it_does_not_know(engine, prompt):
    assert not any(passes(engine, image, prompt) for image, _ in walls("crack", 1003))
