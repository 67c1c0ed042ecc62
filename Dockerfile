# One file, three images: docker build --target api|worker|trainer .
FROM python:3.11-slim-bookworm AS base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --create-home --uid 10001 wallscan
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY wallscan ./wallscan

FROM base AS api
RUN pip install -c constraints.txt '.[api]'
COPY migrations ./migrations
COPY api ./api
USER wallscan
EXPOSE 8000
CMD ["uvicorn", "--factory", "api.main:create_app", "--host", "0.0.0.0", "--port", "8000", \
     "--no-access-log", "--timeout-graceful-shutdown", "5"]

# The registry's torch for Linux carries CUDA. For a CPU image a fifth of the size, build with
# --build-arg PIP_FIND_LINKS=... pointing at a folder or page that offers the CPU build.
FROM base AS worker
ARG PIP_FIND_LINKS=
RUN pip install -c constraints.txt '.[worker]'
COPY worker ./worker
# A soft shutdown lets the photo under way finish; the lease covers one that does not.
ENV OMP_NUM_THREADS=1 REMAP_SIGTERM=SIGQUIT WALLSCAN_MODEL_CACHE=/var/cache/wallscan
RUN mkdir -p /var/cache/wallscan && chown wallscan /var/cache/wallscan
USER wallscan
CMD ["celery", "-A", "worker.main", "worker", "--concurrency", "1", "--queues", "inspect,intake", "--loglevel", "INFO"]

FROM base AS trainer
ARG PIP_FIND_LINKS=
RUN pip install -c constraints.txt '.[trainer]'
COPY trainer ./trainer
ENV WALLSCAN_MODEL_CACHE=/var/cache/wallscan
RUN mkdir -p /var/cache/wallscan && chown wallscan /var/cache/wallscan
USER wallscan
CMD ["celery", "-A", "trainer.main", "worker", "--concurrency", "1", "--queues", "trainer", "--loglevel", "INFO"]
