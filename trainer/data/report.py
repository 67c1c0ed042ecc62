"""What reading found."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class DataReport:
    """What reading found: counts, and every annotation that was left out with its reason."""

    images: int = 0
    shapes: int = 0
    skipped: list[str] = field(default_factory=list)
