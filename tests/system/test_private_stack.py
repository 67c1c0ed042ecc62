"""Photos in, report out, on a machine where nothing runs: the two commands of the README rest on this."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.servers import open_folder
from tests.system.cli import SAMPLES, Shell, by_photo, read_csv, read_report
from wallscan.domain.coverage import PhotoCoverage, wall_coverage
from wallscan.photos.decode import decode

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PHOTOS = sorted(path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.jpg"))


@pytest.fixture(scope="module")
def inspected() -> Iterator[tuple[Path, str, Shell]]:
    """The folder of the report, what was printed, and the shell."""
    with open_folder() as folder:
        shell = Shell(folder, {"WALLSCAN_DATA_DIR": str(folder / "data")})
        printed = shell.run("inspect", str(SAMPLES), "--site", "Demo", "--out", "out")
        yield folder / "out", printed, shell


def test_every_photo_and_prompt_has_a_row_and_a_mask(inspected):
    out, _, _ = inspected
    rows = read_csv(out / "report.csv")
    assert len(rows) == len(PHOTOS) * 2
    assert {(row["photo"], row["prompt"]) for row in rows} == {
        (photo, prompt) for photo in PHOTOS for prompt in ("crack", "drywall joint")
    }
    assert {row["status"] for row in rows} == {"succeeded"}
    masks = sorted(path.relative_to(out / "masks").as_posix() for path in out.rglob("masks/**/*.png"))
    assert masks == sorted(f"{photo}.{slug}.png" for photo in PHOTOS for slug in ("crack", "drywall-joint"))


def test_masks_have_the_photos_size_and_say_what_the_numbers_say(inspected):
    out, _, _ = inspected
    for row in read_report(out).photos:
        assert row.mask is not None
        data = (out / row.mask).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row.mask_sha256
        with Image.open(out / row.mask) as image:
            mask = np.asarray(image.convert("L"))
        assert mask.shape == decode((SAMPLES / row.photo).read_bytes()).pixels.shape[:2]
        assert set(np.unique(mask)) <= {0, 255}
        assert np.count_nonzero(mask) == row.foreground_px


def test_walls_are_pixels_over_pixels(inspected):
    out, _, _ = inspected
    report = read_report(out)
    assert {row.wall for row in report.walls} == {photo.partition("/")[0] for photo in PHOTOS}
    for wall in report.walls:
        rows = [row for row in report.photos if (row.wall, row.prompt) == (wall.wall, wall.prompt)]
        whole = wall_coverage(PhotoCoverage(row.foreground_px or 0, row.analysed_px or 0) for row in rows)
        assert wall.coverage_pct == pytest.approx(whole.coverage_pct)
    assert len(read_csv(out / "walls.csv")) == len(report.walls)


def test_the_model_finds_the_cracked_walls(inspected):
    """Cracked pixels of the truth lie under the mask more often than other pixels do: no random weights."""
    from wallscan.photos.masks import decode_rle

    out, _, _ = inspected
    truth = json.loads((SAMPLES.parent / "truth.json").read_text(encoding="utf-8"))["photos"]
    hit = missed = 0.0
    for photo, row in by_photo(read_report(out)).items():
        true = decode_rle(truth[photo]["prompts"]["crack"]["rle"]) > 0
        with Image.open(out / f"masks/{photo}.crack.png") as image:
            found = np.asarray(image.convert("L")) > 0
        assert row.prompt == "crack"
        hit += float(found[true].sum())
        missed += float(found[~true].sum()) * true.sum() / max((~true).sum(), 1)
    assert hit > 3 * missed
    assert hit > 0


def test_the_pages_are_there_and_the_table_is_printed(inspected):
    out, printed, _ = inspected
    assert (out / "report.html").stat().st_size > 1000
    assert len(list(out.rglob("overlays/**/*.jpg"))) == len(PHOTOS)
    for word in ("lobby-north", "stairwell-2", "crack %", "drywall joint %", "report.html"):
        assert word in printed


def test_nothing_is_left_running_and_the_numbers_stay(inspected):
    out, _, shell = inspected
    assert json.loads((shell.folder / "data/stack.json").read_text())["children"] == {}
    before = (out / "report.csv").read_bytes()
    shell.run("inspect", str(SAMPLES), "--site", "Demo", "--out", "out", status=2)
    assert (out / "report.csv").read_bytes() == before
    shell.run("report", "--site", "Demo", "--out", "again")
    assert (shell.folder / "again/report.csv").read_bytes() == before
