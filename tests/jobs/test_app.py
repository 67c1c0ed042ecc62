import pytest
from pydantic import ValidationError

from wallscan.jobs.app import QueueSettings, make_celery


def test_a_lost_worker_is_not_redelivered_by_the_queue_but_by_the_sweeper():
    conf = make_celery(QueueSettings(), "an-app").conf
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost) == (True, False)
    assert conf.task_ignore_result


@pytest.mark.parametrize("limit_s", [1, 120, 7200])
def test_no_task_outlives_the_visibility_timeout(limit_s):
    conf = make_celery(QueueSettings(task_time_limit_s=limit_s), "an-app").conf
    assert conf.broker_transport_options["visibility_timeout"] > 3 * conf.task_time_limit
    assert 0 < conf.task_soft_time_limit <= conf.task_time_limit


def test_an_app_of_long_tasks_has_limits_of_its_own():
    conf = make_celery(QueueSettings(), "an-app", hard_limit_s=36_000).conf
    assert conf.task_time_limit == 36_000
    assert conf.broker_transport_options["visibility_timeout"] > 3 * 36_000


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://broker:6379/3")
    monkeypatch.setenv("TASK_TIME_LIMIT_S", "0")
    with pytest.raises(ValidationError, match="task_time_limit_s"):
        QueueSettings()
    monkeypatch.setenv("TASK_TIME_LIMIT_S", "60")
    assert make_celery(QueueSettings(), "an-app").conf.broker_url == "redis://broker:6379/3"
