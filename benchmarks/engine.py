"""`python -m benchmarks.engine`: the engines beside the recipe that people publish, at rd64-refined's size.

Random weights cost what trained ones cost. Each way is a process of its own with one thread; they take turns,
case by case, and CPU seconds are compared, so that a busy machine slows all alike. The published recipe: PIL,
`CLIPSegProcessor`, transformers' own forward with the image repeated for every prompt, the map resized to the
photo, OpenCV's cleaning at that size, PNG. `bf16` runs where the processor has it, and only there.
"""

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from wallscan.domain.pipelines import FOUNDING
from wallscan.models.folder import from_model_folder
from wallscan.models.manifest import MANIFEST_NAME

PUBLIC, EXACT, FAST = "public recipe", "exact (float32)", "fast (bf16)"
PEAK = {EXACT: "peak f32", FAST: "peak bf16"}
PROMPTS = ("wall crack", "drywall joint", "a", "b", "c", "d", "e", "f", "g")
COUNTS = (1, 2, 9)
SIZES = {"640 x 640": (640, 640), "12 megapixels": (4000, 3000)}
NETWORK = "network alone"
CLOSE, CLOSE_PROMPTS = "12 megapixels, detail 2", 2
ENCODER_GFLOP, HEAD_GFLOP = 76.6, 1.07
"""Needed work of rd64-refined: ten vision layers and the reductions once, the decoder a prompt."""
SQUARE = 2048
SQUARE_GFLOP = 2 * SQUARE**3 / 1e9
OURS = "everything but the network"

Case = tuple[str, int]
"""What is run: `NETWORK`, the photo's size or `CLOSE`, and how many prompts. For a peak it means nothing."""
Run = Callable[[Case], object]


@dataclass(frozen=True)
class Inputs:
    """What every way works on: the model's folder, the photos' folder, a cache."""

    bundle: Path
    photos: Path
    cache: Path

    def photo(self, size: str) -> bytes:
        """A JPEG."""
        return (self.photos / f"{size}.jpg").read_bytes()


def prepare(folder: Path) -> Inputs:
    """A bundle that says it was validated for bf16, and a photo of each size."""
    from benchmarks.training import write_rd64
    from tests.photos.pictures import wall

    base, inputs = write_rd64(folder / "base"), Inputs(folder / "bundle", folder / "photos", folder / "cache")
    from_model_folder(base, inputs.bundle, name="benchmark/rd64")
    manifest = json.loads((inputs.bundle / MANIFEST_NAME).read_bytes())
    check = {"mean_iou_drop": 0.0, "coverage_change": 0.0, "photos": 1, "benchmark_digest": "0" * 64}
    manifest |= {"precisions": {"bf16": check}, "default_presence": 0.0}
    (inputs.bundle / MANIFEST_NAME).write_text(json.dumps(manifest))
    inputs.photos.mkdir()
    for name, (width, height) in SIZES.items():
        Image.fromarray(wall(width, height)).save(inputs.photos / f"{name}.jpg", quality=92)
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

    @torch.inference_mode()
    def run(case: Case) -> object:
        what, count = case
        if what == NETWORK:
            return model(**prepared[count])
        image = Image.open(io.BytesIO(inputs.photo(what))).convert("RGB")
        logits = model(**tensors(image, PROMPTS[:count])).logits
        maps = logits.reshape(count, *logits.shape[-2:]).sigmoid().numpy()
        return [cleaned_png(one, image.size) for one in maps]

    return run


def cleaned_png(probability: np.ndarray, size: tuple[int, int]) -> bytes:
    """The founding report's cleaning at the photo's own (width, height): denoise, Otsu, open, close."""
    large = cv2.resize((probability * 255).astype(np.uint8), size)
    _, mask = cv2.threshold(cv2.GaussianBlur(large, (5, 5), 0), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    square = np.ones((5, 5), np.uint8)
    for way in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE):
        mask = cv2.morphologyEx(mask, way, square)
    return cv2.imencode(".png", mask)[1].tobytes()


def product(precision: str) -> Callable[[Inputs], Run]:
    """The worker's own way from bytes to masks and numbers, on OpenVINO."""

    def made(inputs: Inputs) -> Run:
        from wallscan.domain.looks import Detail, Look
        from wallscan.segment.engine import EngineSettings
        from wallscan.segment.openvino_graphs import load_openvino
        from wallscan.segment.preprocess import preprocess
        from worker.pipeline import analyse

        engine = load_openvino(inputs.bundle, EngineSettings(inputs.cache, "openvino", precision))  # type: ignore[arg-type]
        texts = [engine._text(prompt) for prompt in PROMPTS]  # noqa: SLF001 - to time the network alone
        image = np.asarray(Image.open(io.BytesIO(inputs.photo("640 x 640"))))
        pixels = preprocess(image, engine._spec)[None]  # noqa: SLF001

        def run(case: Case) -> object:
            what, count = case
            if what == NETWORK:
                return engine._graphs.logits(pixels, texts[:count])  # noqa: SLF001
            look = Look(Detail.TILES if what == CLOSE else Detail.WHOLE)
            return analyse(inputs.photo(what.partition(",")[0]), PROMPTS[:count], engine, FOUNDING, look)

        return run

    return made


def peak(precision: str) -> Callable[[Inputs], Run]:
    """One large matrix multiplication on OpenVINO: as fast as the processor gets in a precision."""

    def made(_: Inputs) -> Run:
        from wallscan.segment.openvino_runtime import DEVICE, core, ov, properties

        ops = ov.opset13
        one = ops.parameter([SQUARE, SQUARE], np.float32)
        weights = ops.constant(np.random.default_rng(0).normal(size=(SQUARE, SQUARE)).astype(np.float32))
        graph = ov.Model([ops.matmul(one, weights, False, True)], [one], "peak")
        request = core().compile_model(graph, DEVICE, properties(precision, 1)).create_infer_request()  # type: ignore[arg-type]
        values = np.ones((SQUARE, SQUARE), np.float32)
        return lambda _: request.infer([values])

    return made


def ways() -> dict[str, Callable[[Inputs], Run]]:
    """What this processor can run."""
    from wallscan.segment.openvino_runtime import has_bf16

    found: dict[str, Callable[[Inputs], Run]] = {
        PUBLIC: public,
        EXACT: product("exact"),
        PEAK[EXACT]: peak("f32"),
    }
    if has_bf16():
        found |= {FAST: product("fast"), PEAK[FAST]: peak("bf16")}
    return found


def child(way: str, inputs: Inputs, pipe: Connection) -> None:
    """A way in a process of its own: answers each case with CPU seconds."""
    cv2.setNumThreads(1)
    run = ways()[way](inputs)
    run((NETWORK, 1))
    pipe.send(None)
    while (case := pipe.recv()) is not None:
        began = time.process_time()
        run(case)
        pipe.send(time.process_time() - began)


def measure(inputs: Inputs, rounds: int) -> dict[tuple[str, Case], float]:
    """Median CPU seconds of each way and case."""
    context = get_context("spawn")
    pipes, processes = {}, []
    for way in ways():
        pipes[way], theirs = context.Pipe()
        processes.append(context.Process(target=child, args=(way, inputs, theirs)))
        processes[-1].start()
        pipes[way].recv()
    cases = [(what, count) for what in (NETWORK, *SIZES) for count in COUNTS]
    seconds: dict[tuple[str, Case], list[float]] = {}
    for _ in range(rounds):
        for case in (*cases, (CLOSE, CLOSE_PROMPTS)):
            for way, pipe in pipes.items():
                if case[0] == CLOSE and way not in (EXACT, FAST):
                    continue
                pipe.send(case)
                seconds.setdefault((way, case), []).append(pipe.recv())
    for pipe in pipes.values():
        pipe.send(None)
    for process in processes:
        process.join()
    return {key: statistics.median(times) for key, times in seconds.items()}


def ratios(seconds: dict[tuple[str, Case], float]) -> Table:
    """How many times faster than the public recipe, case by case."""
    engines = [way for way in (EXACT, FAST) if (way, (NETWORK, 1)) in seconds]
    columns = (f"{name}, {unit}" for name in engines for unit in ("s", "x public"))
    table = Table("case", "prompts", "public, s", *columns)
    for what in (NETWORK, *SIZES):
        for count in COUNTS:
            case = what, count
            row = [f"{seconds[PUBLIC, case]:.2f}"]
            for name in engines:
                mine = seconds[name, case]
                row += [f"{mine:.2f}", f"{seconds[PUBLIC, case] / mine:.1f}"]
            table.add_row(what, str(count), *row)
    return table


def shares(seconds: dict[tuple[str, Case], float]) -> Table:
    """How near the network is to the processor's peak, and what all else adds to it on 12 megapixels."""
    table = Table("engine", "prompts", "GFLOP/s", "peak GFLOP/s", "share of peak", OURS)
    for name, floor in PEAK.items():
        multiplying = [value for (way, _), value in seconds.items() if way == floor]
        for count in COUNTS:
            if (name, (NETWORK, count)) not in seconds:
                continue
            network = seconds[name, (NETWORK, count)]
            rate = (ENCODER_GFLOP + count * HEAD_GFLOP) / network
            best = SQUARE_GFLOP / statistics.median(multiplying)
            added = seconds[name, ("12 megapixels", count)] / network - 1
            table.add_row(
                name, str(count), f"{rate:.0f}", f"{best:.0f}", f"{rate / best:.0%}", f"+{added:.0%}"
            )
    return table


def close(seconds: dict[tuple[str, Case], float]) -> Table:
    """What a night's work at detail 2 comes to."""
    table = Table("engine", f"{CLOSE}, {CLOSE_PROMPTS} prompts, s", "10,000 photos on two such cores, h")
    for name in (EXACT, FAST):
        if (name, (CLOSE, CLOSE_PROMPTS)) in seconds:
            took = seconds[name, (CLOSE, CLOSE_PROMPTS)]
            table.add_row(name, f"{took:.2f}", f"{took * 10_000 / 2 / 3600:.1f}")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the tables."""
    from wallscan.segment.openvino_runtime import processor

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each way and case; medians are told")
    rounds = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory(prefix="wallscan-bench-") as folder:
        seconds = measure(prepare(Path(folder)), rounds)
    console = Console(width=120)
    console.print(f"{processor()}, one thread, CPU seconds, median of {rounds}")
    if FAST not in ways():
        console.print(
            "This processor does not multiply in bf16 itself: nothing faster than float32 is measured."
        )
    console.print(ratios(seconds))
    console.print(shares(seconds))
    console.print(close(seconds))


if __name__ == "__main__":
    main()
