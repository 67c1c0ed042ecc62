"""The teacher of a scratch recipe: a U-Net that learns first, and whose maps the model then learns from.

To convolutions a crack is the same thing everywhere; a young transformer has to learn it anew for every place
of a patch. And annotations are drawn loosely and by many hands, while a teacher gives equal pixels equal maps
(Hinton et al., Distilling the Knowledge in a Neural Network, 2015).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from trainer.batches import Batch, Frames, batches
from trainer.checkpoint import write
from trainer.data import Photos
from trainer.held_out import HeldOut
from trainer.losses import segmentation_loss
from trainer.network import Network
from trainer.optimise import averaging, learning_rate_share, step_all, teachers_optimizers, update_average
from trainer.phrases import plain_words, with_shipped
from trainer.recipe import Recipe, Teacher
from trainer.unet import UNet
from trainer.watch import TrainingCancelled, Watcher
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError

FILE = "teacher.pt"
"""In the work folder: the teacher, finished or not."""
PHASE = "Teacher"

Prompts = Sequence[Sequence[str]]


class Lessons:
    """What a teacher tells of batches. `places` are its maps, by the phrases that ask for them."""

    def __init__(
        self,
        unet: UNet,
        teacher: Teacher,
        network: Network,
        places: Mapping[str, int],
        accelerator: Accelerator,
    ) -> None:
        self._unet, self._teacher, self._normalised = unet, teacher, network.normalised
        self._places, self._accelerator = places, accelerator

    def maps(self, images: Tensor, truth: Tensor, prompts: Prompts) -> tuple[Tensor, Tensor]:
        """Logits and truths (N, s, s) of the prompts that ask for a family.

        images: (B, s, s, 3) uint8, truth: (B, P, s, s), prompts: B x P.
        """
        rows, columns, places = self._asked(prompts)
        return self._answer(images)[0][rows, places], truth[rows, columns]

    @torch.no_grad()
    def told(self, images: Tensor, truth: Tensor, prompts: Prompts) -> tuple[Tensor, list[Tensor]]:
        """The truth (B, P, s, s), moved towards the teacher's maps where it shows a family, and its features.

        What is empty stays empty: the teacher would fill it with its own false finds.
        """
        rows, columns, places = self._asked(prompts)
        logits, seen = self._answer(images)
        annotated, told = truth[rows, columns], logits[rows, places].sigmoid()
        shown = annotated.flatten(1).any(dim=1)[:, None, None]
        mixed = truth.clone()
        mixed[rows, columns] = torch.where(shown, annotated.lerp(told, self._teacher.truth_share), annotated)
        return mixed, seen

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self._unet.parameters()).device

    def __call__(self, images: Tensor, prompts: Prompts) -> Tensor:
        """Logits (B, P, s, s) of B rows of P phrases, each of a family."""
        maps, _ = self._answer(images)
        return torch.stack(
            [
                row[[self._places[phrase] for phrase in row_phrases]]
                for row, row_phrases in zip(maps, prompts, strict=True)
            ]
        )

    def _answer(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits (B, maps, s, s), and the features of each block."""
        with self._accelerator.autocast():
            logits, seen = self._unet.with_features(self._normalised(images))
        return logits.float(), seen

    def _asked(self, prompts: Prompts) -> tuple[list[int], list[int], list[int]]:
        """Row, column and map of each prompt that asks for a family."""
        asked = [
            (row, column, self._places[phrase])
            for row, phrases in enumerate(prompts)
            for column, phrase in enumerate(phrases)
            if phrase in self._places
        ]
        rows, columns, places = ([one[part] for one in asked] for part in range(3))
        return rows, columns, places


def lessons_of(
    recipe: Recipe,
    network: Network,
    photos: Photos,
    work: Path,
    accelerator: Accelerator,
    watcher: Watcher,
    processes: int,
) -> Lessons | None:
    """The recipe's teacher, if it has one, trained in `work`, or on from there.

    Raises TrainingCancelled while it learns, and TrainingError `training_diverged`.
    """
    if recipe.teacher is None:
        return None
    phrases = with_shipped(photos.classes.phrases())
    places = {phrase: place for place, family in enumerate(phrases.values()) for phrase in family}
    course = _course(recipe, recipe.teacher)
    frames = Frames(photos.train, course, plain_words(network.tokenizer), phrases)
    with accelerator.main_process_first():
        pupil = _Pupil.begin(recipe, recipe.teacher, len(phrases), accelerator.device)
        pupil.restore(work)
        lessons = Lessons(pupil.unet, recipe.teacher, network, places, accelerator)
        left = range(pupil.step, course.steps)
        for batch in batches(frames, left, processes) if left else ():
            pupil.learn(batch, lessons, course)
            watcher.prepared(PHASE, pupil.step, course.steps)
            stop = watcher.cancelled()
            if stop or pupil.step % recipe.checkpoint_every == 0 or pupil.step == course.steps:
                pupil.save(work)
                watcher.saved(work)
            if stop:
                raise TrainingCancelled
    pupil.graduate()
    if left and accelerator.is_main_process:
        watcher.taught(HeldOut(photos.held_out, recipe.image_size).judge(lessons).iou)
    return lessons


def _course(recipe: Recipe, teacher: Teacher) -> Recipe:
    """The recipe as the teacher goes through it, on frames that the model does not see."""
    return recipe.model_copy(
        update={
            "stages": teacher.stages, "accumulate": 1, "seed": recipe.seed ^ 1, "schedule": "plateau",
            "other_family_share": teacher.other_family_share,
            "warmup_steps": teacher.warmup_steps, "decay_share": teacher.decay_share,
            "average_decay": teacher.average_decay,
        }
    )  # fmt: skip


@dataclass(slots=True)
class _Pupil:
    """The teacher while it learns itself. `step` counts the steps that are done."""

    unet: UNet
    optimizers: list[Optimizer]
    average: dict[str, Tensor]
    step: int = 0

    @classmethod
    def begin(cls, recipe: Recipe, teacher: Teacher, families: int, device: torch.device) -> Self:
        """A fresh one. What else is drawn at random is not touched."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            unet = UNet(families, teacher.widths).to(device)
        unet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        average = {name: value.detach().clone() for name, value in unet.named_parameters()}
        return cls(unet, teachers_optimizers(unet, teacher, bf16=recipe.bf16), average)

    def learn(self, batch: Batch, lessons: Lessons, course: Recipe) -> None:
        """One step. Raises TrainingError `training_diverged`."""
        images, truth = (torch.from_numpy(array).to(lessons.device) for array in (batch.images, batch.truth))
        maps, truths = lessons.maps(images, truth, batch.prompts)
        stage = course.stage_at(self.step)
        loss = segmentation_loss(maps, truths, course.dice_weight, course.empty_weight, stage.peak_weight)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.unet.parameters(), course.gradient_norm)
        if not math.isfinite(float(loss.detach() + norm)):
            raise TrainingError(
                Code.TRAINING_DIVERGED,
                f"the teacher's step {self.step + 1} has a loss of {float(loss.detach())} and gradients of "
                f"length {float(norm)}; nothing is published. Start anew, in another work folder, with a "
                f"lower learning_rate of the teacher",
            )
        step_all(self.optimizers, learning_rate_share(course, self.step))
        update_average(self.average, self.unet, averaging(course, self.step))
        self.step += 1

    @torch.no_grad()
    def graduate(self) -> None:
        """Its averaged weights, for good."""
        for name, value in self.unet.named_parameters():
            value.copy_(self.average[name])
        self.unet.eval().requires_grad_(False)

    def save(self, work: Path) -> None:
        """Write to `work`; a kill at any moment leaves the old file or the new one."""
        state = {
            "step": self.step,
            "model": self.unet.state_dict(),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        write(work / FILE, state)

    def restore(self, work: Path) -> None:
        """Go on from `work`; where nothing is there, nothing changes."""
        if not (work / FILE).is_file():
            return
        state = torch.load(work / FILE, weights_only=True, map_location="cpu")
        self.unet.load_state_dict(state["model"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        for name, value in self.average.items():
            value.copy_(state["average"][name])
        self.step = state["step"]
