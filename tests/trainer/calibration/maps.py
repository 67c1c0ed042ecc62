"""Maps whose probabilities are known: truth is drawn from them, so calibration has a right answer."""

import cv2
import numpy as np

from wallscan.measure.founding import eight_bit

SIDE = 64
SLOPE, INTERCEPT = 0.7, -0.8
"""What turns the logits of the maps below into those of the truth."""


def logit(probability):
    return np.log(probability / (1 - probability))


def field(rng, level):
    """A smooth field of true probabilities (SIDE, SIDE) round a level, as a network would see a wall."""
    noise = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)), (0, 0), 4)
    return 1 / (1 + np.exp(-(level + 2 * noise / noise.std())))


def boasting(rng, level, scale=1):
    """A map in 255ths that boasts of more than is true, and a truth (scale SIDE, scale SIDE) drawn for it."""
    true = field(rng, level)
    boasted = 1 / (1 + np.exp(-(logit(true) - INTERCEPT) / SLOPE))
    drawn = (rng.random(true.shape) < true).astype(np.uint8) * 255
    truth = cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    return eight_bit(boasted.astype(np.float32)), truth


def clean(rng):
    """A map of a wall on which nothing is, and its truth."""
    return eight_bit((0.2 * field(rng, -6)).astype(np.float32)), np.zeros((SIDE, SIDE), np.uint8)
