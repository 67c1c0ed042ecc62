"""The weights that ship with the package."""

from pathlib import Path


def starter_bundle() -> Path:
    """The folder of the shipped bundle."""
    return Path(__file__).parent / "starter"
