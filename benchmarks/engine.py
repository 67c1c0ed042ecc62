"""`python -m benchmarks.engine`: the engines beside the recipe that people publish, at rd64-refined's size.

Random weights cost what trained ones cost, but their maps are noise, which no photo of a wall gives: after
each inference the first two prompts get a drawn map with cracks, the others an empty one. Each way is a
process of its own with one thread; they take turns, case by case, and CPU seconds are compared, so that a
busy machine slows all alike; the least of several turns counts, since whatever else the processor does only
adds. The published recipe: PIL, `CLIPSegProcessor`, transformers' own forward with the image repeated for
every prompt, the map resized to the photo, OpenCV's cleaning at that size, PNG. The product's way is a
worker's from bytes to masks and numbers, with the default post-processing; queue, storage and database are
not in it (see `benchmarks.engine_fleet`). bf16 and int8 run where a short trial shows them to be faster than
float32.
"""

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from PIL import Image
from rich.console import Console

from benchmarks.engine_tables import (
    BF16,
    CLOSE,
    CLOSE_PROMPTS,
    COUNTS,
    ENGINES,
    EXACT,
    INT8,
    NETWORK,
    PEAK,
    PUBLIC,
    SIZES,
    Case,
    close,
    ratios,
    shares,
)
from benchmarks.training import SIDE, write_rd64
from trainer.quantise import quantise
from wallscan.domain.pipelines import STANDARD
from wallscan.models.files import read_manifest, write_manifest
from wallscan.models.folder import from_model_folder
from wallscan.segment.openvino_runtime import Precision, fastest, has_bf16, processor, product_s

PROMPTS = ("wall crack", "drywall joint", "a", "b", "c", "d", "e", "f", "g")
PEAK_TOKENS, PEAK_WIDTH = 2048, 1024
"""The product that is the peak: (2048, 1024) by (1024, 4096)."""
TOKENS, WIDTH = 484, 768
"""Of rd64-refined."""
Run = Callable[[Case], object]
Ways = dict[str, Precision | None]
"""What is compared, by its name in the tables, and the precision that it multiplies in; the public recipe has
none of its own.
"""


@dataclass(frozen=True)
class Inputs:
    """What every way works on: the model's folder, the photos' folder, a cache."""

    bundle: Path
    photos: Path
    cache: Path

    def photo(self, size: str) -> bytes:
        """A JPEG."""
        return (self.photos / f"{size}.jpg").read_bytes()


def drawn_maps() -> np.ndarray:
    """What the prompts get to see, (9, 352, 352) float32: two find cracks, the others nothing."""
    from tests.measure.maps import crack_map

    maps = np.full((len(PROMPTS), SIDE, SIDE), 0.02, np.float32)
    maps[0], maps[1] = crack_map(0, SIDE), crack_map(1, SIDE)
    return maps


def prepare(folder: Path) -> Inputs:
    """A bundle with quantised graphs, and a photo of each size."""
    from tests.photos.pictures import wall

    base, inputs = write_rd64(folder / "base"), Inputs(folder / "bundle", folder / "photos", folder / "cache")
    from_model_folder(base, inputs.bundle, name="benchmark/rd64")
    inputs.photos.mkdir()
    for name, (width, height) in SIZES.items():
        Image.fromarray(wall(width, height)).save(inputs.photos / f"{name}.jpg", quality=92)
    facts = read_manifest(inputs.bundle).model_dump(mode="json", exclude={"files"})
    quantise(inputs.bundle, [inputs.photos / f"{name}.jpg" for name in SIZES])
    write_manifest(inputs.bundle, facts | {"default_presence": 0.3, "presence_by": "extent"})
    return inputs


def public(inputs: Inputs) -> Run:
    """The recipe that people publish."""
    import torch
    from transformers import BatchEncoding, CLIPSegForImageSegmentation, CLIPSegProcessor
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    torch.set_num_threads(1)
    processor = CLIPSegProcessor.from_pretrained(inputs.bundle)
    model = CLIPSegForImageSegmentation.from_pretrained(inputs.bundle).eval()

    def tensors(image: Image.Image, prompts: Sequence[str]) -> BatchEncoding:
        return processor(text=list(prompts), images=[image] * len(prompts), padding=True, return_tensors="pt")

    prepared = {
        count: tensors(Image.open(io.BytesIO(inputs.photo("640 x 640"))), PROMPTS[:count]) for count in COUNTS
    }

    maps = drawn_maps()

    @torch.inference_mode()
    def run(case: Case) -> object:
        what, count = case
        if what == NETWORK:
            return model(**prepared[count])
        image = Image.open(io.BytesIO(inputs.photo(what))).convert("RGB")
        logits = model(**tensors(image, PROMPTS[:count])).logits
        logits.reshape(count, *logits.shape[-2:]).sigmoid().numpy()
        return [cleaned_png(one, image.size) for one in maps[:count]]

    return run


def cleaned_png(probability: np.ndarray, size: tuple[int, int]) -> bytes:
    """The founding report's cleaning at the photo's own (width, height): denoise, Otsu, open, close."""
    large = cv2.resize((probability * 255).astype(np.uint8), size)
    _, mask = cv2.threshold(cv2.GaussianBlur(large, (5, 5), 0), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    square = np.ones((5, 5), np.uint8)
    for way in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE):
        mask = cv2.morphologyEx(mask, way, square)
    return cv2.imencode(".png", mask)[1].tobytes()


def product(precision: Precision, inputs: Inputs) -> Run:
    """A worker's way from a photo's bytes to masks and numbers, on OpenVINO."""
    from wallscan.domain.looks import Detail, Look
    from wallscan.segment.engine import EngineSettings
    from wallscan.segment.openvino_graphs import open_openvino
    from wallscan.segment.preprocess import preprocess
    from worker.pipeline import analyse

    engine = open_openvino(inputs.bundle, EngineSettings(inputs.cache, "openvino"), precision)
    texts = [engine._text(prompt) for prompt in PROMPTS]  # noqa: SLF001 - to time the network alone
    image = np.asarray(Image.open(io.BytesIO(inputs.photo("640 x 640"))))
    pixels = preprocess(image, engine._spec)[None]  # noqa: SLF001

    maps = drawn_maps()

    def answers(image: np.ndarray, prompts: Sequence[str]) -> np.ndarray:
        engine.probabilities(image, prompts)
        return maps[: len(prompts)]

    drawn: Any = SimpleNamespace(
        manifest=engine.manifest, input_px=engine.input_px, runtime=engine.runtime, probabilities=answers
    )

    def run(case: Case) -> object:
        what, count = case
        if what == NETWORK:
            return engine._graphs.logits(pixels, texts[:count])  # noqa: SLF001
        look = Look(Detail.TILES if what == CLOSE else Detail.WHOLE)
        return analyse(inputs.photo(what.partition(",")[0]), PROMPTS[:count], drawn, STANDARD, look)

    return run


def peak(precision: Precision) -> Run:
    """One large matrix multiplication on OpenVINO, in CPU seconds: as fast as the processor gets."""
    return lambda _: product_s(precision, PEAK_TOKENS, PEAK_WIDTH)


def ways() -> Ways:
    """What this processor can run and gains by. Timed once, for all: another trial may end differently."""
    found: Ways = {PUBLIC: None, EXACT: "f32", PEAK[EXACT]: "f32"}
    if has_bf16():
        found[PEAK[BF16]] = "bf16"
    if fastest(frozenset({"bf16"}), TOKENS, WIDTH) == "bf16":
        found[BF16] = "bf16"
    int8 = fastest(frozenset({"int8"}), TOKENS, WIDTH)
    if int8 == "f32":
        found[PEAK[INT8]] = "int8_bf16" if BF16 in found else "int8"
    else:
        found[PEAK[INT8]] = found[INT8] = int8
    return found


def run_of(way: str, precision: Precision | None, inputs: Inputs) -> Run:
    """What carries out the cases of a way."""
    if precision is None:
        return public(inputs)
    return peak(precision) if way in PEAK.values() else product(precision, inputs)


def child(way: str, precision: Precision | None, inputs: Inputs, pipe: Connection) -> None:
    """A way in a process of its own: answers each case with CPU seconds."""
    cv2.setNumThreads(1)
    run = run_of(way, precision, inputs)
    run((NETWORK, 1))
    pipe.send(None)
    while (case := pipe.recv()) is not None:
        began = time.process_time()
        told = run(case)
        pipe.send(told if way in PEAK.values() else time.process_time() - began)


def measure(inputs: Inputs, chosen: Ways, rounds: int) -> dict[tuple[str, Case], float]:
    """Least CPU seconds of each way and case."""
    context = get_context("spawn")
    pipes, processes = {}, []
    for way, precision in chosen.items():
        pipes[way], theirs = context.Pipe()
        processes.append(context.Process(target=child, args=(way, precision, inputs, theirs)))
        processes[-1].start()
        pipes[way].recv()
    cases = [(what, count) for what in (NETWORK, *SIZES) for count in COUNTS]
    seconds: dict[tuple[str, Case], list[float]] = {}
    for _ in range(rounds):
        for case in (*cases, (CLOSE, CLOSE_PROMPTS)):
            for way, pipe in pipes.items():
                if case[0] == CLOSE and way not in ENGINES:
                    continue
                pipe.send(case)
                seconds.setdefault((way, case), []).append(pipe.recv())
    for pipe in pipes.values():
        pipe.send(None)
    for process in processes:
        process.join()
    return {key: min(times) for key, times in seconds.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each way and case; the least is told")
    rounds = parser.parse_args(arguments).rounds
    chosen = ways()
    with tempfile.TemporaryDirectory(prefix="wallscan-bench-") as folder:
        seconds = measure(prepare(Path(folder)), chosen, rounds)
    console = Console(width=120)
    console.print(f"{processor()}, one thread, CPU seconds, least of {rounds}")
    for way in ENGINES:
        if way not in chosen:
            console.print(f"{way} is not faster than float32 on this processor.")
    console.print(ratios(seconds))
    console.print(shares(seconds, 8 * PEAK_TOKENS * PEAK_WIDTH**2 / 1e9))
    console.print(close(seconds))


if __name__ == "__main__":
    main()
