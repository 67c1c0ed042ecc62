"""How much of everything is accepted. Checked before the work that would cost it."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """Limits of one photo."""

    max_bytes: int = 64 * MIB
    max_pixels: int = 100_000_000
    max_side_px: int = 65_535  # what a JPEG can have; a longer line is no photo


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Limits of one zip archive and of what it unpacks to.

    An entry is a bomb where it has unpacked to more than `ratio_free_bytes` and to more than `max_ratio`
    times its compressed bytes: photos are compressed already and stay near 1, an uncompressed TIFF of a
    plain wall near 50.
    """

    max_entries: int = 20_000
    max_entry_bytes: int = 64 * MIB
    max_total_bytes: int = 64 * 1024 * MIB
    max_ratio: int = 200
    ratio_free_bytes: int = MIB
    spool_bytes: int = 8 * MIB


DATASET_LIMITS = ArchiveLimits(max_entries=200_000, max_entry_bytes=512 * MIB)
"""Of a zip file of annotated photos: a file an annotation, or all annotations in one."""
