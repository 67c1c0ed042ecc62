import io
import json
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from samples.compare import NEAR_PX, TRUTH, compare, tables
from wallscan.photos.masks import decode_rle, encode_mask_png, encode_rle

HEIGHT_PX, WIDTH_PX = 300, 400


def strip(top, bottom):
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    mask[top:bottom] = 255
    return mask


def truth_of(**masks):
    photos = {
        f"hall/{name}.jpg": {"prompts": {"crack": {"coverage_pct": 0.0, "rle": encode_rle(mask)}}}
        for name, mask in masks.items()
    }
    return {"photos": photos}


def write_out(folder, **masks):
    rows = []
    for name, mask in masks.items():
        rows.append({"wall": "hall", "photo": f"hall/{name}.jpg", "prompt": "crack", "status": "succeeded"})
        file = folder / "masks" / "hall" / f"{name}.jpg.crack.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode_mask_png(mask))
    (folder / "report.json").write_text(json.dumps({"photos": rows}))
    return folder


def test_numbers_of_known_strips(tmp_path):
    out = write_out(tmp_path, a=strip(105, 125), b=strip(0, 0), c=strip(0, 30), d=strip(0, 0))
    truth = truth_of(a=strip(100, 120), b=strip(0, 0), c=strip(0, 0), d=strip(0, 10))
    a, b, c, d = compare(out, truth).rows
    assert (a.iou, a.found, a.near) == (15 / 25, 15 / 20, 1.0)
    assert (b.iou, b.found, b.near) == (1.0, None, None)
    assert (c.iou, c.found, c.near) == (0.0, None, None)
    assert (d.iou, d.found, d.near) == (0.0, 0.0, None)
    assert (a.true_px, a.found_px, a.total_px) == (20 * WIDTH_PX, 20 * WIDTH_PX, HEIGHT_PX * WIDTH_PX)


def test_a_mask_beyond_the_near_distance_is_not_near(tmp_path):
    out = write_out(tmp_path, a=strip(100, 102 + 2 * NEAR_PX))
    (row,) = compare(out, truth_of(a=strip(100, 101))).rows
    assert row.near == pytest.approx((NEAR_PX + 1) / (2 + 2 * NEAR_PX))


def test_no_name_is_cut_in_a_narrow_terminal(tmp_path):
    out = write_out(tmp_path, **{"on the left of the door": strip(0, 9)})
    (row,) = compare(out, truth_of(**{"on the left of the door": strip(0, 9)})).rows
    console = Console(width=60, file=io.StringIO())
    with console.capture() as shown:
        console.print(*tables([row]))
    cells = [line.split("│")[1] for line in shown.get().splitlines() if line.startswith("│")]
    assert "".join("".join(cells).split()).startswith("hall/ontheleftofthedoor.jpg")


def test_missing_masks_and_masks_of_another_size_are_named(tmp_path):
    out = write_out(tmp_path, a=strip(0, 10), b=strip(0, 10)[:100])
    comparison = compare(out, truth_of(a=strip(0, 10), b=strip(0, 10), c=strip(0, 10)))
    assert [row.photo for row in comparison.rows] == ["hall/a.jpg"]
    assert [name.split(":")[0] for name in comparison.missing] == ["hall/b.jpg", "hall/c.jpg"]


def run(out):
    command = [sys.executable, "-m", "samples.compare", str(out)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def write_truth_as_result(folder, leave_out=""):
    rows = []
    for photo, facts in json.loads(TRUTH.read_text(encoding="utf-8"))["photos"].items():
        rows.append({"wall": "", "photo": photo, "prompt": "crack", "status": "succeeded"})
        file = folder / "masks" / f"{photo}.crack.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        if photo != leave_out:
            file.write_bytes(encode_mask_png(decode_rle(facts["prompts"]["crack"]["rle"])))
    (folder / "report.json").write_text(json.dumps({"photos": rows}))


def test_the_command_ends_with_0_on_a_full_report_and_prints_both_tables(tmp_path):
    write_truth_as_result(tmp_path)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "lobby-north/1.jpg" in done.stdout
    assert "meeting room ü" in done.stdout


def test_the_command_ends_with_1_when_a_photo_is_missing(tmp_path):
    write_truth_as_result(tmp_path, leave_out="stairwell-2/3.jpg")
    done = run(tmp_path)
    assert done.returncode == 1
    assert "missing stairwell-2/3.jpg" in done.stdout
