"""Losses on logits. Dice gives no gradient on an empty truth, so it never stands without BCE."""

import torch
from torch import Tensor
from torch.nn import functional

PEAK_SHARE = 0.01


def segmentation_loss(
    logits: Tensor, truth: Tensor, dice_weight: float, empty_weight: float, peak_weight: float
) -> Tensor:
    """BCE + soft Dice, averaged over the batch; scalar.

    logits, truth: (B, H, W) float32, truth in [0, 1]. Maps whose truth is empty count `empty_weight` and
    have no Dice; a small false find costs next to nothing in their mean, so the mean over their worst
    `PEAK_SHARE` of places is added, times `peak_weight`. Dice as in Milletari et al., V-Net, 2016, without
    squares in the denominator.
    """
    flat_logits, flat_truth = logits.flatten(1), truth.flatten(1)
    costs = functional.binary_cross_entropy_with_logits(flat_logits, flat_truth, reduction="none")
    peaks = costs.topk(max(1, int(PEAK_SHARE * costs.shape[1])), dim=1, sorted=False).values.mean(1)
    probability = flat_logits.sigmoid()
    overlap = (probability * flat_truth).sum(1)
    dice = 1 - (2 * overlap + 1) / (probability.sum(1) + flat_truth.sum(1) + 1)
    present = (flat_truth.amax(1) > 0).to(logits.dtype)
    weight = present + empty_weight * (1 - present)
    empty = (1 - present) * peak_weight * peaks
    return torch.mean(weight * costs.mean(1) + present * dice_weight * dice + empty)


def plain_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """BCE alone, averaged over all places of all maps (B, H, W), be they empty or not; scalar."""
    return functional.binary_cross_entropy_with_logits(logits, truth)
