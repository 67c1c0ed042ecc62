"""`python -m benchmarks.training`: how fast the fine-tuning recipes learn, beside the loop people publish.

On a CLIPSeg of rd64-refined's size with random weights, which cost what trained ones cost. Each way of
training is a process of its own with one thread; they take turns, so that a busy machine slows all alike.
The published loop: photos through PIL and `CLIPSegProcessor`, one prompt each, transformers' own forward,
BCE, AdamW; in which only the decoder ever gets gradients. The recipes run as they are shipped, with frames
drawn and augmented for every step and two prompts each.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from rich.console import Console
from rich.table import Table

SIDE = 352
PHOTO_SIDE = 640
PHOTOS = 16
PUBLIC_BATCH = 4
PROMPTS = 2
"""What the recipes ask of an image; the public loop asks one thing."""
REPORT_IMAGES, REPORT_EPOCHS = 5984, 12
"""The founding report's training."""
PUBLIC, PUBLIC_FROZEN = "public loop", "public loop, encoder frozen"
CACHING, CACHED = "cached: caching", "cached: an epoch after it"
WAYS = (PUBLIC, PUBLIC_FROZEN, "decoder", CACHING, CACHED, "full")

Turn = Callable[[int], None]
"""Tells that so many images were learned from, and waits for the next turn."""


class Over(Exception):  # noqa: N818 - the end, not an error
    """Raised in a child when no turn will follow."""


def write_rd64(folder: Path) -> Path:
    """A transformers folder with rd64-refined's configuration and random weights."""
    from tests.trainer.small import write_base

    return write_base(
        folder,
        side=SIDE,
        vision={
            "image_size": 224, "patch_size": 16, "hidden_size": 768, "intermediate_size": 3072,
            "num_attention_heads": 12, "num_hidden_layers": 12,
        },
        text={
            "hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8, "num_hidden_layers": 12,
        },
        projection_dim=512, reduce_dim=64, extract_layers=[3, 6, 9], decoder_num_attention_heads=4,
        decoder_intermediate_size=2048,
    )  # fmt: skip


def public_loop(base: Path, data: Path, frozen: bool, turn: Turn) -> None:
    """What most repositories do."""
    import torch
    from PIL import Image
    from torch.nn import functional
    from transformers import CLIPSegForImageSegmentation, CLIPSegProcessor

    from trainer.data import read_samples
    from wallscan.segment.preprocess import to_square

    samples = [one for one in read_samples([data])[0] if one.split == "train"]
    processor = CLIPSegProcessor.from_pretrained(base)
    model = CLIPSegForImageSegmentation.from_pretrained(base).train()
    model.clip.requires_grad_(not frozen)
    optimizer = torch.optim.AdamW([value for value in model.parameters() if value.requires_grad], lr=1e-4)
    step = 0
    while True:
        chosen = [samples[(step * PUBLIC_BATCH + place) % len(samples)] for place in range(PUBLIC_BATCH)]
        truths = [to_square(one.truth(one.families[0], PHOTO_SIDE, PHOTO_SIDE), SIDE) for one in chosen]
        images = [Image.open(one.image).convert("RGB") for one in chosen]
        words = [one.families[0] for one in chosen]
        inputs = processor(text=words, images=images, padding=True, return_tensors="pt")
        truth = torch.stack([torch.from_numpy(mask) for mask in truths]).float() / 255
        functional.binary_cross_entropy_with_logits(model(**inputs).logits, truth).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        turn(PUBLIC_BATCH)


def recipe_loop(kind: str, base: Path, data: Path, work: Path, timed: str, turn: Turn) -> None:
    """The product's loop with a recipe as shipped; `timed` is what takes turns, caching or learning."""
    from trainer.data import read_photos
    from trainer.network import open_network
    from trainer.processes import this_process
    from trainer.recipe import shipped_recipe
    from trainer.settle import in_precision, settled
    from trainer.train import train
    from trainer.watch import Unwatched

    recipe = shipped_recipe(kind).model_copy(update={"epochs": 1000, "checkpoint_every": 10**9})
    images = recipe.stages[0].batch * recipe.accumulate

    class TakesTurns(Unwatched):
        seen = 0

        def prepared(self, what: str, done: int, total: int) -> None:  # noqa: ARG002 - the protocol's
            if timed == CACHING and total > PHOTOS // 2:
                turn(done - self.seen)
            self.seen = done

        def stepped(self, step: int, steps: int, loss: float) -> None:  # noqa: ARG002 - the protocol's
            if timed == CACHING:
                raise Over
            turn(images)

    photos, _ = read_photos([data], 0.1, recipe.seed)
    network = open_network(recipe, base)
    recipe = in_precision(settled(recipe, photos, network.spec), this_process().device)
    train(recipe.model_copy(update={"epoch_steps": 10**9}), network, photos, work, TakesTurns())


def child(way: str, base: Path, data: Path, pipe: Connection) -> None:
    """A way of training in a process of its own; answers each turn with seconds and images."""
    import torch
    from transformers.utils.logging import disable_progress_bar

    torch.set_num_threads(1)
    disable_progress_bar()
    began = 0.0

    def turn(images: int) -> None:
        nonlocal began
        pipe.send((time.perf_counter() - began, images))
        if not pipe.recv():
            raise Over
        began = time.perf_counter()

    with tempfile.TemporaryDirectory(dir=data) as work:
        try:
            if way in {PUBLIC, PUBLIC_FROZEN}:
                public_loop(base, data, way == PUBLIC_FROZEN, turn)
            else:
                kind = way.partition(":")[0]
                recipe_loop(kind, base, data, Path(work), way, turn)
        except Over:
            pipe.send(peak_mib())


def peak_mib() -> float:
    """The most memory this process ever held, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measure(base: Path, data: Path, rounds: int) -> dict[str, tuple[float, float]]:
    """Median images a second and peak MiB of each way."""
    context = get_context("spawn")
    pipes, processes, rates = {}, [], dict[str, list[float]]()
    for way in WAYS:
        pipes[way], theirs = context.Pipe()
        processes.append(context.Process(target=child, args=(way, base, data, theirs)))
        processes[-1].start()
        pipes[way].recv()  # the first turn warms up, and others wait until it is over
        rates[way] = []
    for _ in range(rounds):
        for way, pipe in pipes.items():
            pipe.send(True)
            seconds, images = pipe.recv()
            rates[way].append(images / seconds)
    peaks = {}
    for way, pipe in pipes.items():
        pipe.send(False)
        peaks[way] = pipe.recv()
    for process in processes:
        process.join()
    return {way: (statistics.median(rates[way]), peaks[way]) for way in WAYS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    from tests.trainer.data import write_data

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each way; medians are told")
    rounds = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory(prefix="wallscan-bench-") as folder:
        base = write_rd64(Path(folder, "base"))
        data = write_data(Path(folder, "data"), count=PHOTOS, side=PHOTO_SIDE)
        measured = measure(base, data, rounds)
    table = Table(
        "way", "images/s", "x public loop", "x, by prompts learned", "peak MiB", "the report's training"
    )
    for way, (rate, peak) in measured.items():
        once = REPORT_IMAGES * 4 if way == CACHING else REPORT_IMAGES * REPORT_EPOCHS
        hours = once / rate / 3600
        table.add_row(
            way,
            f"{rate:.2f}",
            f"{(times := rate / measured[PUBLIC][0]):.2f}",
            "-" if way == CACHING else f"{times * (1 if way.startswith(PUBLIC) else PROMPTS):.2f}",
            f"{peak:.0f}",
            f"{hours:.2f} h",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
