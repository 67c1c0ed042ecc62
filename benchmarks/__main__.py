"""`python -m benchmarks`: every benchmark of this folder, one after the other, with its defaults."""

import argparse

from benchmarks import (
    engine,
    engine_fleet,
    report_query,
    submit_10000,
    tile_memory,
    tiles,
    training,
    truth,
)

ALL = (engine, engine_fleet, training, tiles, tile_memory, truth, report_query, submit_10000)


def main() -> None:
    """Run them all."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for benchmark in ALL:
        print(f"\n== {benchmark.__name__}", flush=True)
        benchmark.main([])


if __name__ == "__main__":
    main()
