"""Annotated photos: read in any usual format, split without leaks, every omission reported."""

from trainer.data.read import read_folders, read_photos
from trainer.data.report import DataReport
from trainer.data.sample import Photos, Region, Sample, Shape, Truth, load_rgb, rasterise
from trainer.data.splits import split_by_group
from trainer.data.voc import read_folder

__all__ = [
    "DataReport",
    "Photos",
    "Region",
    "Sample",
    "Shape",
    "Truth",
    "load_rgb",
    "rasterise",
    "read_folder",
    "read_folders",
    "read_photos",
    "split_by_group",
]
