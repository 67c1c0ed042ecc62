"""`python -m benchmarks.submit_10000`: ten thousand tiny photos, handed in and submitted over the real stack.

Nothing is inspected to its end: the run is cancelled, and its report read from the rows that are there.
"""

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from wallscan.client.http import Client
from wallscan.client.meter import meter
from wallscan.client.scan import scan
from wallscan.client.upload import Uploader, total_bytes
from wallscan.domain.prompts import DEFAULT_PROMPTS
from wallscan.local.stack import Stack
from wallscan.wire.uploads import Manifest, UploadOutcomes

WALLS = 50
SIDE_PX = 24
READS = 5
T = TypeVar("T")


class TimedClient(Client):
    """Adds up how long announcing took, and the slowest one."""

    announced_s: list[float]

    def announce(self, inspection_id: UUID, manifest: Manifest) -> UploadOutcomes:
        """See `Client.announce`."""
        answer, seconds = timed(lambda: super(TimedClient, self).announce(inspection_id, manifest))
        self.announced_s.append(seconds)
        return answer


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """What a call answered, and its seconds."""
    began = time.perf_counter()
    return call(), time.perf_counter() - began


def write_photos(folder: Path, count: int) -> None:
    """Tiny JPEG files of noise, no two alike, spread over `WALLS` walls."""
    rng = np.random.default_rng(0)
    for number in range(count):
        file = folder / f"wall {number % WALLS:02}" / f"{number:05}.jpg"
        file.parent.mkdir(exist_ok=True)
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (SIDE_PX, SIDE_PX, 3), np.uint8)).save(buffer, "JPEG")
        file.write_bytes(buffer.getvalue())


def measure(client: TimedClient, photos: Path, console: Console) -> dict[str, float]:
    """Seconds of each step."""
    visit = client.open_inspection(client.make_site("benchmark").id)
    files, scan_s = timed(lambda: scan(photos).found)
    client.announced_s = []
    with meter(console, "Upload", total_bytes(files), "bytes") as progress:
        sent, upload_s = timed(lambda: Uploader(client, visit.id, progress).send(files))
    if sent.stored != len(files):
        raise SystemExit(f"only {sent.stored} of {len(files)} photos arrived: {sent.refusals[:3]}")
    run, submit_s = timed(lambda: client.submit(visit.id, DEFAULT_PROMPTS))
    if run.photos != len(files):
        raise SystemExit(f"only {run.photos} of {len(files)} photos were accepted")
    _, status_s = timed(lambda: client.run(run.id))
    client.cancel(run.id)
    for _ in client.watch(run.id):
        pass
    walls = [timed(lambda: client.report("inspections", visit.id, photos=False))[1] for _ in range(READS)]
    whole = [timed(lambda: client.report("inspections", visit.id, photos=True))[1] for _ in range(READS)]
    return {
        "scan the folder": scan_s,
        "hash, announce and upload": upload_s,
        "of which announcing": sum(client.announced_s),
        "slowest manifest of 1,000": max(client.announced_s),
        "submit until accepted (202)": submit_s,
        "status while it runs": status_s,
        "report of all walls (median)": sorted(walls)[READS // 2],
        "report with every photo (median)": sorted(whole)[READS // 2],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Start a stack of its own, measure, show, and delete everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=10_000)
    count = parser.parse_args(arguments).photos
    console = Console()
    with tempfile.TemporaryDirectory(prefix="wallscan-bench-") as folder:
        photos = Path(folder, "photos")
        photos.mkdir()
        write_photos(photos, count)
        stack = Stack(Path(folder, "data"), workers=1, trainer=False, keep=False)
        with stack, TimedClient(stack.url, stack.api_key) as client:
            seconds = measure(client, photos, console)
    table = Table("Step", "Seconds", title=f"{count} photos, {len(DEFAULT_PROMPTS)} prompts")
    for step, took in seconds.items():
        table.add_row(step, f"{took:.3f}")
    console.print(table)


if __name__ == "__main__":
    main()
