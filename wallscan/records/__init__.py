"""The database: tables, sessions and every query, one file a noun."""

# Tables refer to each other by name: whoever uses one must have loaded all.
from wallscan.records import access, model_tables, training_tables

__all__ = ["access", "model_tables", "training_tables"]
