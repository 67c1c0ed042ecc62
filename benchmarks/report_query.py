"""`python -m benchmarks.report_query`: how long the report of a large inspection takes, on a real PostgreSQL.

Each report is read in a transaction of its own, first as the planner sees freshly written rows, then after
ANALYZE. With `--explain` the plan of the walls' query is printed, too.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

import migrations
from benchmarks.big_inspection import BigInspection, make_big_inspection
from tests.servers import open_folder, started_servers
from wallscan.records.report_queries import join_by_hashing, wall_rows
from wallscan.records.reports import inspection_report, wall_report
from wallscan.records.session import make_engine, transaction
from wallscan.records.tables import Run

READS = 20
WALLS = 50


def median_and_best_ms(read: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of `READS` calls, after one that is not counted."""
    read()
    times_ms = []
    for _ in range(READS):
        began = time.perf_counter()
        read()
        times_ms.append(1000.0 * (time.perf_counter() - began))
    return statistics.median(times_ms), min(times_ms)


def reports(engine: Engine, made: BigInspection) -> dict[str, tuple[float, float]]:
    """Median and best milliseconds of each kind of report."""

    def whole(photos: bool) -> object:
        with transaction(engine) as session:
            return inspection_report(session, made.inspection_id, photos=photos)

    def one_wall() -> object:
        with transaction(engine) as session:
            return wall_report(session, wall_id)

    with transaction(engine) as session:
        wall_id = inspection_report(session, made.inspection_id).walls[0].wall_id
    return {
        "all walls": median_and_best_ms(lambda: whole(photos=False)),
        "one wall": median_and_best_ms(one_wall),
        "all walls and every photo": median_and_best_ms(lambda: whole(photos=True)),
    }


def plan(engine: Engine, made: BigInspection) -> str:
    """PostgreSQL's own account of the walls' query."""
    with transaction(engine) as session:
        join_by_hashing(session)
        run = session.get_one(Run, made.run_id)
        query = wall_rows(run, None).compile(engine, compile_kwargs={"literal_binds": True})
        lines = session.scalars(text("EXPLAIN (ANALYZE, BUFFERS) " + str(query).replace(":", r"\:")))
        return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Start servers of its own, fill a database, measure, show, and delete everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--explain", action="store_true")
    asked = parser.parse_args(arguments)
    console = Console()
    table = Table("Report", "Planner", "Median ms", "Best ms", title=f"{asked.photos} photos, 2 prompts")
    with open_folder() as folder, started_servers(folder) as servers:
        migrations.upgrade(servers.database_url)
        engine = make_engine(servers.database_url)
        with transaction(engine) as session:
            made = make_big_inspection(session, asked.photos, WALLS)
        fresh = reports(engine, made)
        with transaction(engine) as session:
            session.execute(text("ANALYZE"))
        for planner, measured in (("fresh rows", fresh), ("analysed", reports(engine, made))):
            for report, (median_ms, best_ms) in measured.items():
                table.add_row(report, planner, f"{median_ms:.0f}", f"{best_ms:.0f}")
        console.print(table)
        if asked.explain:
            console.print(plan(engine, made), markup=False, highlight=False, soft_wrap=True)
        engine.dispose()


if __name__ == "__main__":
    main()
