"""Losses on logits. Dice gives no gradient on an empty truth, so it always stands beside BCE."""

import torch
from torch import Tensor
from torch.nn import functional


def segmentation_loss(logits: Tensor, truth: Tensor, dice_weight: float, empty_weight: float) -> Tensor:
    """BCE + soft Dice, averaged over the batch; scalar.

    logits, truth: (B, H, W) float32, truth in [0, 1]. Maps whose truth is empty count `empty_weight` and
    have BCE alone. Dice as in Milletari et al., V-Net, 2016, with squared denominators left out.
    """
    flat_logits, flat_truth = logits.flatten(1), truth.flatten(1)
    bce = functional.binary_cross_entropy_with_logits(flat_logits, flat_truth, reduction="none").mean(1)
    probability = flat_logits.sigmoid()
    overlap = (probability * flat_truth).sum(1)
    dice = 1 - (2 * overlap + 1) / (probability.sum(1) + flat_truth.sum(1) + 1)
    present = (flat_truth.amax(1) > 0).to(logits.dtype)
    weight = present + empty_weight * (1 - present)
    return torch.mean(weight * bce + present * dice_weight * dice)
