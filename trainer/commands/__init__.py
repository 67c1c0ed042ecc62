"""The commands of `python -m trainer`, one file a subject."""
