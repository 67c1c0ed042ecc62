"""Annotated photos: read in any usual format, split without leaks, every omission reported."""

from trainer.data.classes import Classes, default_classes, read_classes
from trainer.data.leaks import LeakReport, find_leaks
from trainer.data.read import read_photos, read_samples
from trainer.data.report import DataReport
from trainer.data.sample import Photos, Region, Sample, Shape, Truth, digest_of, load_rgb, rasterise
from trainer.data.splits import parts, split_by_group
from wallscan.domain.splits import SplitBy

__all__ = [
    "Classes",
    "DataReport",
    "LeakReport",
    "Photos",
    "Region",
    "Sample",
    "Shape",
    "SplitBy",
    "Truth",
    "default_classes",
    "digest_of",
    "find_leaks",
    "load_rgb",
    "parts",
    "rasterise",
    "read_classes",
    "read_photos",
    "read_samples",
    "split_by_group",
]
