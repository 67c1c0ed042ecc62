"""The training loop, flat: draw, forward, loss, step, average, checkpoint."""

import copy
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import CLIPSegForImageSegmentation, CLIPTokenizer

from trainer.batches import Batch, Frames, batches
from trainer.checkpoint import Progress
from trainer.data import Sample
from trainer.losses import segmentation_loss
from trainer.model import build, embed_prompts, forward
from trainer.optimise import learning_rate_share, make_optimizers, step_all, update_average
from trainer.phrases import plain_words
from trainer.recipe import Recipe
from wallscan.segment.preprocess import InputSpec, normalised


def start(recipe: Recipe) -> Progress:
    """A run at its first step."""
    model = build(recipe)
    average = copy.deepcopy(model).requires_grad_(False)
    return Progress(model, average, make_optimizers(model, recipe))


def train(
    samples: Sequence[Sample], recipe: Recipe, tokenizer: CLIPTokenizer, folder: Path, processes: int = 0
) -> CLIPSegForImageSegmentation:
    """Train from nothing, or on from `folder`'s checkpoint; returns the averaged model.

    `processes` other processes draw the frames ahead; their number changes nothing in the result.
    Killed at any moment and started again, a run ends with the same weights as one that was left alone.
    """
    progress = start(recipe)
    progress.restore(folder)
    frames = Frames(samples, recipe, plain_words(tokenizer))
    began, losses = time.monotonic(), []
    for batch in batches(frames, progress.step, recipe.steps, processes):
        losses.append(train_step(progress, batch, tokenizer, recipe))
        if progress.step % recipe.checkpoint_every == 0 or progress.step == recipe.steps:
            progress.save(folder)
            _log(folder, progress.step, losses, time.monotonic() - began)
            losses.clear()
    return progress.average.eval()


def train_step(progress: Progress, batch: Batch, tokenizer: CLIPTokenizer, recipe: Recipe) -> float:
    """One step on one batch; returns its loss."""
    model = progress.model
    grid, count = recipe.image_size // recipe.patch_size, batch.pixels.shape[1] // recipe.patch_size
    row, column = (int(share * (grid - count + 1)) for share in batch.corner)
    pixels = torch.from_numpy(normalised(batch.pixels, input_spec(recipe)))
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
        texts = embed_prompts(model, tokenizer, batch.prompts)
        logits = forward(model, pixels, texts, (row, column)).float()
    truth = torch.from_numpy(batch.truth)
    peak_weight = recipe.stage_at(progress.step).peak_weight
    loss = segmentation_loss(
        logits.flatten(0, 1), truth.flatten(0, 1), recipe.dice_weight, recipe.empty_weight, peak_weight
    )
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.gradient_norm)
    step_all(progress.optimizers, learning_rate_share(recipe, progress.step))
    # Young averages forget faster, or they would carry the random start along.
    decay = min(recipe.average_decay, (1 + progress.step) / (10 + progress.step))
    update_average(progress.average, model, decay)
    progress.step += 1
    return float(loss.item())


def input_spec(recipe: Recipe) -> InputSpec:
    """What the trained model expects as input."""
    return InputSpec(recipe.image_size, recipe.image_mean, recipe.image_std)


def _log(folder: Path, step: int, losses: Sequence[float], seconds: float) -> None:
    entry = {"step": step, "loss": round(float(np.mean(losses)), 4), "seconds": round(seconds)}
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")
    print(entry, flush=True)
