"""How photos add up to walls."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhotoCoverage:
    """One photo and prompt: foreground pixels of the mask over analysed pixels of the upright photo."""

    foreground_px: int
    analysed_px: int

    @property
    def coverage_pct(self) -> float:
        """Foreground share in per cent; 0 where nothing was analysed."""
        return coverage_pct(self.foreground_px, self.analysed_px)


def coverage_pct(foreground_px: int, analysed_px: int) -> float:
    """Foreground over analysed pixels in per cent; 0 where nothing was analysed."""
    return 100.0 * foreground_px / analysed_px if analysed_px else 0.0


def wall_coverage(photos: Iterable[PhotoCoverage]) -> PhotoCoverage:
    """A wall's coverage: pixels over pixels, never the mean of percentages."""
    counted = tuple(photos)
    return PhotoCoverage(
        foreground_px=sum(photo.foreground_px for photo in counted),
        analysed_px=sum(photo.analysed_px for photo in counted),
    )
