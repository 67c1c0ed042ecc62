"""What a run leaves in its work folder for people to look at: TensorBoard events, log, curves, pictures."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from trainer.held_out import THRESHOLD, Picture
from trainer.watch import Epoch
from wallscan.models.files import CURVES

LOG = "log.jsonl"
SAMPLES = "samples"
EVENTS = "tensorboard"
TRUTH_RGB, MASK_RGB = (0, 200, 0), (255, 40, 40)


class Journal:
    """Writes to a work folder. A run that goes on from `step` replaces what was written after it."""

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = folder
        self._events = SummaryWriter(str(folder / EVENTS), purge_step=step + 1)

    def stepped(self, step: int, loss: float, learning_rate: float) -> None:
        """Note a step's loss and the highest of its learning rates."""
        self._events.add_scalar("train/loss", loss, step)
        self._events.add_scalar("train/learning_rate", learning_rate, step)

    def epoch_ended(self, epochs: Sequence[Epoch], pictures: Sequence[Picture]) -> None:
        """Note the last of all epochs so far, with what the model made of some photos."""
        last = epochs[-1]
        self._events.add_scalar("held_out/loss", last.valid_loss, last.step)
        self._events.add_scalar("held_out/iou", last.valid_iou, last.step)
        lines = [json.dumps(dataclasses.asdict(epoch)) for epoch in epochs]
        (self._folder / LOG).write_text("\n".join(lines) + "\n", encoding="utf-8")
        draw_curves(epochs, self._folder / CURVES)
        if pictures:
            (self._folder / SAMPLES).mkdir(exist_ok=True)
            sheet = np.concatenate([_row(picture) for picture in pictures])
            name = str(self._folder / SAMPLES / f"epoch-{last.number:04}.png")
            cv2.imwrite(name, cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
            self._events.add_image("held_out/samples", sheet, last.step, dataformats="HWC")
        self._events.flush()

    def close(self) -> None:
        """Write what is left."""
        self._events.close()


def draw_curves(epochs: Sequence[Epoch], path: Path) -> None:
    """Losses and held-out IoU over the epochs, as PNG."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    losses, overlap = figure.subplots(1, 2)
    numbers = [epoch.number for epoch in epochs]
    losses.plot(numbers, [epoch.train_loss for epoch in epochs], marker=".", label="training")
    losses.plot(numbers, [epoch.valid_loss for epoch in epochs], marker=".", label="held out, BCE alone")
    overlap.plot(numbers, [epoch.valid_iou for epoch in epochs], marker=".", color="tab:green")
    best = max(epochs, key=lambda epoch: epoch.valid_iou)
    overlap.axvline(best.number, linestyle=":", color="grey")
    overlap.set_title(f"held out: best {best.valid_iou:.3f} in epoch {best.number}", fontsize="medium")
    losses.legend()
    for axes, label in ((losses, "loss"), (overlap, "mean foreground IoU")):
        axes.set(xlabel="epoch", ylabel=label, ylim=(0, None))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def _row(picture: Picture) -> NDArray[np.uint8]:
    """Photo, outlines of truth (green) and mask (red), probability: (S, 3 S, 3)."""
    outlined = picture.image.copy()
    for values, colour in ((picture.truth, TRUTH_RGB), (picture.probability, MASK_RGB)):
        mask = (values > THRESHOLD).astype(np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(outlined, contours, -1, colour, 1)
    cv2.putText(outlined, picture.family, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 0), 1)
    heat = np.repeat((picture.probability * 255).astype(np.uint8)[..., None], 3, axis=2)
    return np.concatenate([picture.image, outlined, heat], axis=1)
