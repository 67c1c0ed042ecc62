"""What the fixtures promise: clean servers of one's own, with the product's tables."""

import redis
from sqlalchemy import inspect, text


def test_a_database_is_migrated(engine):
    assert {"sites", "photos", "tasks", "alembic_version"} <= set(inspect(engine).get_table_names())


def test_databases_are_not_shared_and_are_postgres_18(engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (a int)"))
        assert connection.scalar(text("SHOW server_version")).startswith("18.")


def test_nothing_of_another_test_is_left(engine, redis_url, store):
    assert "mine" not in inspect(engine).get_table_names()
    assert list(store.list("")) == []
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys() == []
        client.set("a", "b")
    store.put("a", b"b", "text/plain")


test_nothing_is_left_the_second_time = test_nothing_of_another_test_is_left
