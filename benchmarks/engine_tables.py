"""The tables of `benchmarks.engine`: ratios, shares of the peak, and a night's work."""

from rich.table import Table

PUBLIC, EXACT, BF16, INT8 = "public recipe", "exact (float32)", "fast (bf16)", "fast (int8)"
PEAK = {EXACT: "peak f32", BF16: "peak bf16", INT8: "peak int8"}
ENGINES = tuple(PEAK)
COUNTS = (1, 2, 9)
SIZES = {"640 x 640": (640, 640), "12 megapixels": (4000, 3000)}
NETWORK = "network alone"
CLOSE, CLOSE_PROMPTS = "12 megapixels, detail 2", 2
ENCODER_GFLOP, HEAD_GFLOP = 76.6, 1.07
"""Needed work of rd64-refined: ten vision layers and the reductions once, the decoder a prompt."""
AROUND = "decoding, post-processing, measuring, PNG"
"""What `worker.pipeline.analyse` does beside the network. Queue, storage and database are not in it."""

Case = tuple[str, int]
"""What is run: `NETWORK`, the photo's size or `CLOSE`, and how many prompts. For a peak it means nothing."""


def ratios(seconds: dict[tuple[str, Case], float]) -> Table:
    """How many times faster than the public recipe, case by case."""
    engines = [way for way in ENGINES if (way, (NETWORK, 1)) in seconds]
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


def shares(seconds: dict[tuple[str, Case], float], peak_gflop: float) -> Table:
    """How near the network is to the processor's peak, and what `AROUND` adds to it on 12 megapixels.

    `peak_gflop` is the work of what was run for the peak.
    """
    table = Table("engine", "prompts", "GFLOP/s", "peak GFLOP/s", "share of peak", AROUND)
    for name, floor in PEAK.items():
        multiplying = [value for (way, _), value in seconds.items() if way == floor]
        if multiplying and (name, (NETWORK, 1)) not in seconds:
            best = peak_gflop / min(multiplying)
            table.add_row(name, "-", "not run", f"{best:.0f}", "-", "-")
        for count in COUNTS:
            if (name, (NETWORK, count)) not in seconds:
                continue
            network = seconds[name, (NETWORK, count)]
            rate = (ENCODER_GFLOP + count * HEAD_GFLOP) / network
            best = peak_gflop / min(multiplying)
            added = seconds[name, ("12 megapixels", count)] / network - 1
            table.add_row(
                name, str(count), f"{rate:.0f}", f"{best:.0f}", f"{rate / best:.0%}", f"+{added:.0%}"
            )
    return table


def close(seconds: dict[tuple[str, Case], float]) -> Table:
    """What a night's work at detail 2 comes to."""
    table = Table("engine", f"{CLOSE}, {CLOSE_PROMPTS} prompts, s", "10,000 photos on two such cores, h")
    for name in ENGINES:
        if (name, (CLOSE, CLOSE_PROMPTS)) in seconds:
            took = seconds[name, (CLOSE, CLOSE_PROMPTS)]
            table.add_row(name, f"{took:.2f}", f"{took * 10_000 / 2 / 3600:.1f}")
    return table
