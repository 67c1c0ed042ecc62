"""The database: tables, sessions and every query, one file a noun."""
