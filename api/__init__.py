"""The HTTP API: FastAPI over the library. No network and no measuring happens in this process."""
