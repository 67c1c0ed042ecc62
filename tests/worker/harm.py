"""Models for `chaos_app`: they answer without a network, and some photos do them harm."""

import datetime as dt
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.models.manifest import BundleFile, Manifest
from wallscan.segment.engine import Runtime
from wallscan.storage import ObjectStore

Colour = tuple[int, ...]
POISON: Colour = (255, 0, 0)  # ends its process
SLEEPY: Colour = (0, 0, 255)  # takes SLEEP_S
HUNG: Colour = (0, 255, 0)  # takes for ever
DEAF: Colour = (255, 0, 255)  # takes for ever, and no exception reaches it, like native code
SLEEP_S = 3.0
_FOR_EVER_S = 10_000.0


class HarmedEngine:
    """Finds what is dark, which takes it a moment, unless the first pixel of the photo is an order."""

    input_px = 32
    runtime = Runtime("arithmetic", "1", "cpu", "f32")
    manifest = Manifest(
        name="darkness",
        created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        licence="Apache-2.0",
        default_presence=0.0,
        files=(BundleFile(name="none", size_bytes=0, sha256="0" * 64),),
    )

    def probabilities(self, image: NDArray[np.uint8], prompts: Sequence[str]) -> NDArray[np.float32]:
        order = tuple(int(value) for value in image[0, 0])
        if order == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        if order == DEAF:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        time.sleep({SLEEPY: SLEEP_S, HUNG: _FOR_EVER_S, DEAF: _FOR_EVER_S}.get(order, 0.05))
        small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (self.input_px, self.input_px))
        darkness = 1.0 - small.astype(np.float32) / 255.0
        return np.stack([darkness ** (1 + place) for place in range(len(prompts))])


class HarmedModels:
    """In place of `worker.models.Models`: one engine, whatever is asked for."""

    def __init__(self, *_: ObjectStore | Path) -> None:
        self._engine = HarmedEngine()

    def engine(self, *_: str | dict[str, Any] | None) -> HarmedEngine:
        return self._engine
