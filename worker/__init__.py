"""The worker: Celery tasks that look at photos and unpack archives, and the sweeper that loses none."""
