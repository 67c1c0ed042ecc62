"""The trainer's Celery app as it is, on a broker that hands out again what is not acknowledged in 2 s."""

from trainer.main import app

app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    "visibility_timeout": 2,
    "unacked_restore_interval": 1,
}
