"""The queue contract: messages of ids, task names, the one Celery app factory, and `send`."""
