"""All photos of a root, split."""

from pathlib import Path

from trainer.data.report import DataReport
from trainer.data.sample import Photos, Sample
from trainer.data.splits import split_by_group
from trainer.data.voc import read_folder


def read_folders(root: Path, split: str) -> tuple[list[Sample], DataReport]:
    """Every `<root>/<kind>/<split>` folder that exists."""
    report = DataReport()
    folders = sorted(folder for folder in root.glob(f"*/{split}") if folder.is_dir())
    return [sample for folder in folders for sample in read_folder(folder, report)], report


def read_photos(root: Path, held_out_share: float, seed: int) -> tuple[Photos, DataReport]:
    """All photos under `root`; some groups of its `train` split are held out."""
    samples, report = read_folders(root, "train")
    valid, valid_report = read_folders(root, "valid")
    report.skipped += valid_report.skipped
    train, held_out = split_by_group(samples, held_out_share, seed)
    return Photos(train, held_out, valid), report
