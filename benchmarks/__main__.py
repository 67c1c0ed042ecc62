"""`python -m benchmarks`: every benchmark of this folder, each with servers of its own."""

from benchmarks import engine, engine_fleet, report_query, submit_10000


def main() -> None:
    """Run them all with their defaults."""
    engine.main()
    engine_fleet.main()
    report_query.main()
    submit_10000.main()


if __name__ == "__main__":
    main()
