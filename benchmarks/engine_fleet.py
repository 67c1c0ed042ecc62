"""`python -m benchmarks.engine_fleet`: does a worker process a core keep all cores busy, and its memory flat?

Runs photos through the whole private stack with the shipped model, which is the hard case: the smaller the
network, the larger the share of queue, database and storage, which run on the same cores. Busy are cores of
the machine that do not idle, whoever uses them; beside it, what the worker processes themselves computed.
Memory is what a process holds alone and its share of what it maps with others (Linux' PSS); with `--draw` its
plot in the docs is drawn anew. With `--storage-ms` each answer of storage comes so much later, as from far
away: whatever a process waits for then, another computes, if there are more (`--workers`) than cores.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.far_storage import late_by
from wallscan.client.http import Client
from wallscan.client.meter import meter
from wallscan.client.scan import scan
from wallscan.client.upload import Uploader, total_bytes
from wallscan.domain.prompts import DEFAULT_PROMPTS
from wallscan.local.stack import Stack, usable_cores

PICTURE = Path(__file__).parents[1] / "docs" / "results" / "memory.png"
PHOTO_PX = (1280, 960)
WARM_PHOTOS = 8


def write_photos(folder: Path, first: int, count: int) -> Path:
    """JPEG files of rendered walls, no two alike."""
    from tests.photos.pictures import wall

    folder.mkdir()
    for number in range(first, first + count):
        Image.fromarray(wall(*PHOTO_PX, number)).save(folder / f"{number:05}.jpg", quality=90)
    return folder


def busy_s(pids: set[int]) -> dict[int, float]:
    """Seconds that each process computed, over all its threads."""
    found = {}
    for pid in pids:
        threads = Path("/proc", str(pid), "task").glob("*/schedstat")
        fields = [path.read_text(encoding="ascii").split() for path in threads]
        found[pid] = sum(int(ran) for ran, _, _ in fields) / 1e9
    return found


def idle_s() -> float:
    """Seconds that the machine's cores have idled since it started, all together."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")  # idle, and waiting for a disk


def memory_mib(pids: set[int]) -> float:
    """What processes hold, in MiB."""
    lines = "\n".join(Path("/proc", str(pid), "smaps_rollup").read_text(encoding="ascii") for pid in pids)
    return sum(int(line.split()[1]) for line in lines.splitlines() if line.startswith("Pss:")) / 1024


def draw(held: Sequence[tuple[int, float]]) -> None:
    """Memory over photos."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(8, 3.2), constrained_layout=True)
    axis.plot(*zip(*held, strict=True))
    axis.set(
        xlabel="photos done", ylabel="MiB, all worker processes", ylim=(0, 1.2 * max(mib for _, mib in held))
    )
    figure.savefig(PICTURE, dpi=110)


def inspect(
    client: Client, folder: Path, console: Console, pids: set[int]
) -> tuple[float, list[tuple[int, float]]]:
    """Hand in and inspect a folder; seconds from the submission to the end, and memory by photos done."""
    files = scan(folder).found
    visit = client.open_inspection(client.make_site(folder.name).id)
    with meter(console, "Upload", total_bytes(files), "bytes") as progress:
        Uploader(client, visit.id, progress).send(files)
    began = time.perf_counter()
    run = client.submit(visit.id, DEFAULT_PROMPTS)
    held = [
        (seen.counts.succeeded // len(DEFAULT_PROMPTS), memory_mib(pids)) for seen in client.watch(run.id)
    ]
    return time.perf_counter() - began, held


@contextmanager
def stack_with(folder: Path, workers: int, storage_late_s: float) -> Iterator[Stack]:
    """A stack in the folder whose storage, where it is late, is that of a second, idle one."""
    with ExitStack() as opened:
        if storage_late_s:
            idle = opened.enter_context(Stack(folder / "far", workers=1, trainer=False, keep=False))
            far = opened.enter_context(late_by(storage_late_s, idle.env["S3_ENDPOINT_URL"]))
            storage = {name: value for name, value in idle.env.items() if name.startswith(("S3_", "AWS_"))}
            opened.enter_context(patch.dict(os.environ, storage, S3_ENDPOINT_URL=far))
        yield opened.enter_context(Stack(folder / "near", workers=workers, trainer=False, keep=False))


def main(arguments: Sequence[str] | None = None) -> None:
    """Start a stack of its own, measure, show, and delete everything."""
    from tests.local.processes import descendants

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--workers", type=int, default=usable_cores(), help="processes; default: one a core")
    parser.add_argument("--storage-ms", type=int, default=0, help="how much later storage answers")
    parser.add_argument("--draw", action="store_true", help=f"draw {PICTURE.name} of the docs anew")
    asked = parser.parse_args(arguments)
    count, console = asked.photos, Console(width=100)
    with tempfile.TemporaryDirectory(prefix="wallscan-bench-") as folder:
        warm = write_photos(Path(folder, "warm"), 0, WARM_PHOTOS)
        photos = write_photos(Path(folder, "photos"), WARM_PHOTOS, count)
        with (
            stack_with(Path(folder), asked.workers, asked.storage_ms / 1000) as stack,
            Client(stack.url, stack.api_key) as client,
        ):
            inspect(client, warm, console, set())
            launched = json.loads(Path(folder, "near", "stack.json").read_bytes())["children"]
            children = descendants(launched["worker"])
            before, idle = busy_s(children), idle_s()
            took, held = inspect(client, photos, console, children)
            after, idle = busy_s(children), idle_s() - idle
    table = Table(
        "worker process", "computed", title=f"{count} photos, {len(DEFAULT_PROMPTS)} prompts, {took:.1f} s"
    )
    for pid in sorted(children):
        table.add_row(str(pid), f"{(after[pid] - before[pid]) / took:.0%}")
    console.print(table)
    console.print(
        f"The machine's cores were busy for {1 - idle / took / (os.cpu_count() or 1):.0%} of the time"
    )
    tenth = max(1, len(held) // 10)
    first, last = (statistics.fmean(mib for _, mib in part) for part in (held[:tenth], held[-tenth:]))
    console.print(f"Memory of all worker processes: {first:.0f} MiB at first, {last:.0f} MiB at last")
    if asked.draw:
        draw(held)
        console.print(f"Drawn: {PICTURE}")


if __name__ == "__main__":
    main()
