"""What a recipe leaves open and the photos, the base and the machine decide."""

import time
from collections.abc import Mapping, Sequence
from functools import cache

import torch

from trainer.data import Photos, Sample
from trainer.photo_frames import CLEAN, kinds
from trainer.recipe import Recipe, Stage
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.segment.preprocess import InputSpec

NEEDED = {
    "crack": ("crack",),
    "drywall_joint": ("drywall joint",),
    "pasted_crack": ("drywall joint",),
    "pasted_joint": ("crack", "drywall joint"),
    "clean": (CLEAN,),
}
"""The kinds of photos that a source of frames draws on (`photo_frames.kinds`)."""
WARMUP_SHARE = 0.1
"""Of the steps that epochs come to, the rise of the learning rate takes at most this much."""
SQUARE, TRIES, FASTER = 1024, 5, 1.2
"""What bf16 is tried on, how often, and how many times faster it must be."""


def settled(recipe: Recipe, photos: Photos, spec: InputSpec) -> Recipe:
    """The recipe with its input size, sources and steps as they are on these photos; recorded as such.

    Raises TrainingError `training_photos_missing`.
    """
    if not photos.train or not photos.held_out:
        raise TrainingError(
            Code.TRAINING_PHOTOS_MISSING,
            f"{len(photos.train)} photos to learn from and {len(photos.held_out)} held out: both are needed",
        )
    looks = {"image_size": spec.side, "image_mean": spec.mean, "image_std": spec.std}
    sized = {} if recipe.kind == "scratch" else {"size": spec.side}
    left = drawable(recipe, photos.train)
    stages = tuple(stage.model_copy(update=sized) for stage in left.stages)
    settled_recipe = left.model_copy(update={**looks, "stages": stages})
    return (
        settled_recipe
        if recipe.epochs is None
        else _counted(settled_recipe, recipe.epochs, len(photos.train))
    )


def drawable(recipe: Recipe, samples: Sequence[Sample]) -> Recipe:
    """The recipe with the sources that need other photos than these at zero.

    Raises TrainingError `training_photos_missing` where a stage has nothing left to draw.
    """
    there = {kind for sample in samples for kind in kinds(sample)}
    absent = {source: 0.0 for source, needed in NEEDED.items() if not there.issuperset(needed)}
    left: dict[str, object] = {"stages": tuple(_without(absent, stage) for stage in recipe.stages)}
    if recipe.teacher is not None:
        stages = tuple(_without(absent, stage) for stage in recipe.teacher.stages)
        left["teacher"] = recipe.teacher.model_copy(update={"stages": stages})
    return recipe.model_copy(update=left)


def _without(absent: Mapping[str, float], stage: Stage) -> Stage:
    left = stage.sources.model_copy(update=absent)
    if not any(left.model_dump().values()):
        raise TrainingError(
            Code.TRAINING_PHOTOS_MISSING, "the recipe draws only on photos that there are none of"
        )
    return stage.model_copy(update={"sources": left})


def in_precision(recipe: Recipe, device: torch.device) -> Recipe:
    """The recipe in bf16 where it allows that and it pays on the device, else in float32."""
    return recipe.model_copy(update={"bf16": recipe.bf16 and bf16_pays(device)})


@cache
def bf16_pays(device: torch.device) -> bool:
    """Whether half-precision products are faster than full ones on this device.

    Measured on CPUs that have the instructions: AMD's double the pace, Intel's without AMX halve it.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    if device.type != "cpu" or not (able.get("avx512_bf16") or able.get("amx_bf16")):
        return False
    return _product_s(torch.float32) > FASTER * _product_s(torch.bfloat16)


def _product_s(dtype: torch.dtype) -> float:
    """Processor seconds of a product of two matrices: the least of several, since others use the core too."""
    matrix = torch.ones(SQUARE, SQUARE, dtype=dtype)
    took = []
    for _ in range(TRIES):
        began = time.process_time()
        matrix @ matrix
        took.append(time.process_time() - began)
    return min(took)


def _counted(recipe: Recipe, epochs: int, count: int) -> Recipe:
    (stage,) = recipe.stages
    epoch_steps = -(-count // (stage.batch * recipe.accumulate))
    counted = stage.model_copy(update={"steps": epochs * epoch_steps})
    warmup = min(recipe.warmup_steps, int(WARMUP_SHARE * counted.steps))
    return recipe.model_copy(
        update={"stages": (counted,), "epoch_steps": epoch_steps, "warmup_steps": warmup}
    )
