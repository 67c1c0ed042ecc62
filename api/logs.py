"""Structured logs: one JSON object a line, on standard output. Keys, headers and queries are never logged."""

import logging
import sys

import structlog


def configure_logs() -> None:
    """Write this process's own logs and the libraries' warnings as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        logger_factory=structlog.WriteLoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    renderer = structlog.stdlib.ProcessorFormatter(
        processor=structlog.processors.JSONRenderer(), foreign_pre_chain=shared
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(renderer)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
