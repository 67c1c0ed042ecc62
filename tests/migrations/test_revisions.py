import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

import migrations
from migrations.lock import ADVISORY_LOCK
from tests.migrations.catalog import catalog
from tests.records.one_of_each import insert_one_of_each
from wallscan.records import transitions
from wallscan.records.access import Key

ROOT = Path(migrations.__file__).parent.parent
HEAD = max(ROOT.glob("migrations/versions/*.py")).name[:4]


@pytest.fixture
def empty(empty_database_url):
    engine = create_engine(empty_database_url)
    yield engine
    engine.dispose()


def alembic(database_url, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_revisions_make_exactly_the_tables_of_the_product(empty, empty_database_url, other_database_url):
    migrations.upgrade(empty_database_url)
    other = create_engine(other_database_url)
    Key.metadata.create_all(other)
    with empty.connect() as migrated, other.connect() as declared:
        assert catalog(migrated) == catalog(declared)
        assert transitions.FUNCTION.split("$$")[1] in {row[3] for row in catalog(migrated)["triggers"]}
        assert compare_metadata(MigrationContext.configure(migrated), Key.metadata) == []
    other.dispose()


def test_down_and_up_again_with_rows_in_place(empty, empty_database_url):
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE neighbour AS SELECT 7 AS kept"))
    for _ in range(2):
        migrations.upgrade(empty_database_url)
        with empty.begin() as connection:
            insert_one_of_each(connection)
            up = catalog(connection)
        migrations.downgrade(empty_database_url, "base")
        with empty.begin() as connection:
            tables = {row[0] for row in catalog(connection)["columns"]}
            assert tables == {"neighbour"}
            assert connection.scalar(text("SELECT kept FROM neighbour")) == 7
    migrations.upgrade(empty_database_url)
    with empty.connect() as connection:
        assert catalog(connection) == up


def test_every_step_keeps_the_rows(empty, empty_database_url):
    first, *later = sorted(path.name[:4] for path in ROOT.glob("migrations/versions/*.py"))
    migrations.upgrade(empty_database_url, first)
    with empty.begin() as connection:
        insert_one_of_each(connection)
        rows = every_row(connection)
    for revision in later:
        migrations.upgrade(empty_database_url, revision)
    for revision in reversed([first, *later[:-1]]):
        migrations.downgrade(empty_database_url, revision)
        with empty.connect() as connection:
            assert kept(rows, every_row(connection)), revision
    migrations.upgrade(empty_database_url)
    with empty.connect() as connection:
        assert kept(rows, every_row(connection))


def test_a_check_is_tried_as_often_after_a_step_down(empty, empty_database_url):
    migrations.upgrade(empty_database_url)
    with empty.begin() as connection:
        insert_one_of_each(connection)
        connection.execute(text("UPDATE model_versions SET attempt = 40000, tries = 1"))
    migrations.downgrade(empty_database_url, "0010")
    with empty.connect() as connection:
        assert set(connection.scalars(text("SELECT attempt FROM model_versions"))) == {1}


def test_upgrading_twice_keeps_the_rows(empty, empty_database_url):
    migrations.upgrade(empty_database_url)
    with empty.begin() as connection:
        insert_one_of_each(connection)
    migrations.upgrade(empty_database_url)
    with empty.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM items")) == 1


def test_a_failing_upgrade_leaves_nothing_behind(empty, empty_database_url):
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE items (in_the_way int)"))
        before = catalog(connection)
    with pytest.raises(ProgrammingError, match="already exists"):
        migrations.upgrade(empty_database_url)
    with empty.connect() as connection:
        assert catalog(connection) == before


def test_an_upgrader_waits_for_the_one_before_it(empty, empty_database_url):
    with empty.begin() as first:
        first.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        upgraders = [alembic(empty_database_url, "upgrade", "head") for _ in range(2)]
        wait_until_waiting(first, len(upgraders))
        assert catalog(first)["columns"] == set()
    for upgrader in upgraders:
        output, _ = upgrader.communicate(timeout=200)
        assert upgrader.returncode == 0, output
    with empty.connect() as connection:
        assert connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [HEAD]


def test_the_command_line_needs_a_database():
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "database_url" in done.stderr


def every_row(connection):
    """The one row of each table that there is yet, whatever columns the models have today."""
    there = Key.metadata.tables.keys() & {row[0] for row in catalog(connection)["columns"]}
    return {
        table: connection.execute(text(f"SELECT to_jsonb({table}) FROM {table}")).scalar()  # noqa: S608
        for table in there
    }


def kept(before, after):
    """Whether every value of `before` is still there; later revisions may have added columns."""
    return all(before[table].items() <= after[table].items() for table in before)


def wait_until_waiting(connection, count):
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    deadline = time.monotonic() + 200
    while connection.scalar(waiting) < count:
        assert time.monotonic() < deadline, "no upgrader came to wait"
        time.sleep(0.05)
