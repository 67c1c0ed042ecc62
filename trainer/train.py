"""The training loop of every recipe, flat: draw, forward, loss, step, average, judge, save."""

import math
import time
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn
from torch.utils.data import Dataset

from trainer.activations import FOLDER, cached_batches, cached_held_out, store_key
from trainer.batches import Batch, Frames, batches
from trainer.checkpoint import Progress
from trainer.data import Photos
from trainer.held_out import HeldOut, Verdict
from trainer.journal import Journal
from trainer.losses import plain_loss, segmentation_loss
from trainer.memory import keep_freed_memory
from trainer.network import Network
from trainer.optimise import averaging, learning_rate_share, step_all, update_average
from trainer.phrases import plain_words
from trainer.processes import agreed, make_accelerator
from trainer.recipe import Recipe
from trainer.teacher import Lessons, lessons_of
from trainer.watch import Unwatched, Watcher
from trainer.words import learn_words
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError


def train(
    recipe: Recipe,
    network: Network,
    photos: Photos,
    work: Path,
    watcher: Watcher,
    processes: int = 0,
    activations: Path | None = None,
) -> Progress:
    """Train `network` in `work`, or on from its checkpoint, until all is done or the watcher cancels.

    Killed at any moment and started again, a run ends with the same weights as one that was left alone.
    `processes` other processes draw frames ahead; neither their number nor that of the GPUs changes what a
    step learns from. `activations` is where a `cached` recipe keeps what runs may share, otherwise a folder
    in `work`. Raises TrainingCancelled while activations are cached or a teacher learns, and TrainingError
    `work_folder_taken`, `recipe_invalid`, `disk_too_small` or `training_diverged`.
    """
    keep_freed_memory()
    accelerator = make_accelerator(recipe)
    watcher = watcher if accelerator.is_main_process else Unwatched()
    progress = Progress.begin(network.to(accelerator.device), recipe)
    progress.restore(work)
    if network.words_first and not progress.step:
        learn_words(network, recipe, photos.classes.phrases(), watcher)
    learner, *optimizers = accelerator.prepare(network, *progress.optimizers)
    kept = work / FOLDER if activations is None else activations
    lessons = lessons_of(recipe, network, photos, work, accelerator, watcher, processes)
    source, held_out = feed(recipe, network, photos, kept, accelerator, watcher, processes)
    opened: AbstractContextManager[Journal | None] = (
        closing(Journal(work, progress.step)) if accelerator.is_main_process else nullcontext()
    )
    parts, losses, began = recipe.accumulate // accelerator.num_processes, list[Tensor](), time.monotonic()

    with opened as journal:
        for batch in batches(source, remaining(progress, recipe, accelerator), processes):
            loss = loss_of(learner, batch, recipe.stage_at(progress.step).peak_weight, recipe, lessons)
            accelerator.backward(loss / parts)
            losses.append(loss.detach())
            if len(losses) < parts:
                continue

            norm = torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_norm)
            step_loss = finite_loss(losses, norm, progress, accelerator)
            step_all(optimizers, learning_rate_share(recipe, progress.step))
            update_average(progress.average, network, averaging(recipe, progress.step))
            progress.step += 1
            progress.losses.append(step_loss)
            losses.clear()
            watcher.stepped(progress.step, recipe.steps, progress.losses[-1])
            if journal:
                journal.stepped(progress.step, progress.losses[-1], peak_rate(optimizers))

            at_epoch = progress.step % recipe.epoch_steps == 0 or progress.step == recipe.steps
            if at_epoch:
                verdict = judge(progress, held_out, accelerator)
                epoch = progress.end_epoch(
                    valid_loss=verdict.loss,
                    valid_iou=verdict.iou,
                    learning_rate=peak_rate(optimizers),
                    seconds=time.monotonic() - began,
                )
                began = time.monotonic()
                if journal:
                    journal.epoch_ended(progress.epochs, verdict.pictures)
                    if progress.best is epoch:
                        progress.save_best(work)
                watcher.epoch_ended(epoch)

            cancelled = agreed(watcher.cancelled(), accelerator)
            if accelerator.is_main_process and (
                at_epoch or cancelled or progress.step % recipe.checkpoint_every == 0
            ):
                progress.save(work)
                watcher.saved(work)
            if cancelled or progress.ended(recipe):
                break
    return progress


def feed(
    recipe: Recipe,
    network: Network,
    photos: Photos,
    activations: Path,
    accelerator: Accelerator,
    watcher: Watcher,
    processes: int,
) -> tuple[Dataset[Batch], HeldOut]:
    """What is learned from and what is judged by: pixels, or for `cached` what the encoder makes of them."""
    frames = Frames(photos.train, recipe, plain_words(network.tokenizer), photos.classes.phrases())
    held_out = HeldOut(photos.held_out, recipe.image_size)
    if recipe.kind != "cached":
        return frames, held_out
    folder = activations / store_key(recipe, network, photos, accelerator.mixed_precision)
    with accelerator.main_process_first():
        judged = cached_held_out(recipe, network, held_out, folder / "held_out", accelerator, watcher)
        learned = cached_batches(recipe, network, frames, folder / "train", accelerator, watcher, processes)
    return learned, judged


def remaining(progress: Progress, recipe: Recipe, accelerator: Accelerator) -> range:
    """Numbers of the batches that are still to be learned from by this process."""
    if progress.ended(recipe):
        return range(0)
    first = progress.step * recipe.accumulate + accelerator.process_index
    return range(first, recipe.steps * recipe.accumulate, accelerator.num_processes)


def loss_of(
    learner: nn.Module, batch: Batch, peak_weight: float, recipe: Recipe, lessons: Lessons | None = None
) -> Tensor:
    """The loss of one batch, a scalar; with lessons, of what the teacher makes of its truth."""
    device = next(learner.parameters()).device
    images, truth = (torch.from_numpy(array).to(device) for array in (batch.images, batch.truth))
    seen: list[Tensor] = []
    if lessons is not None:
        truth, seen = lessons.told(images, truth, batch.prompts)
    answer = learner(images, batch.prompts, batch.corner, seen)
    if isinstance(answer, Tensor):
        return _loss_on_maps(answer, truth, recipe, peak_weight)
    logits, distance = answer
    loss: Tensor = _loss_on_maps(logits, truth, recipe, peak_weight) + distance
    return loss


def _loss_on_maps(logits: Tensor, truth: Tensor, recipe: Recipe, peak_weight: float) -> Tensor:
    maps, truths = logits.flatten(0, 1), truth.flatten(0, 1)
    if recipe.loss == "bce":
        return plain_loss(maps, truths)
    return segmentation_loss(maps, truths, recipe.dice_weight, recipe.empty_weight, peak_weight)


def finite_loss(losses: list[Tensor], norm: Tensor, progress: Progress, accelerator: Accelerator) -> float:
    """The mean loss of a step's batches, over all processes; `norm` is that of its gradients.

    Raises TrainingError `training_diverged`, in all processes, before the weights take the step. Both come
    from the device in one go: asking for each would hold it up twice.
    """
    both = torch.stack((torch.stack(losses).mean(), norm))
    loss, length = accelerator.reduce(both, "mean").tolist()
    if math.isfinite(loss) and math.isfinite(length):
        return float(loss)
    kept = "no epoch has ended"
    if progress.best is not None:
        kept = (
            f"the best epoch, of step {progress.best.step}, is kept: `python -m trainer bundle --best` with "
            f"the run's data, base and work folder publishes it; the trainer service does so by itself"
        )
    raise TrainingError(
        Code.TRAINING_DIVERGED,
        f"step {progress.step + 1} has a loss of {loss} and gradients of length {length}; {kept}",
    )


def judge(progress: Progress, held_out: HeldOut, accelerator: Accelerator) -> Verdict:
    """The averaged weights on the photos held out, looked at by one process for all."""
    verdicts = [Verdict(0.0, 0.0, ())]
    if accelerator.is_main_process:
        with progress.averaged() as network:
            verdicts = [held_out.judge(network)]
    broadcast_object_list(verdicts)
    return verdicts[0]


def peak_rate(optimizers: list[torch.optim.Optimizer]) -> float:
    """The highest learning rate of the latest step."""
    return max(float(group["lr"]) for optimizer in optimizers for group in optimizer.param_groups)
