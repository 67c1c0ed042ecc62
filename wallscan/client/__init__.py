"""The HTTP client and the `wallscan` command line over it."""
