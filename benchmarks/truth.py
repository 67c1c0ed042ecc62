"""`python -m benchmarks.truth`: how wrong measurements are on rendered walls whose cracks are known.

Prints percentiles of the errors and draws their distributions. The walls are those of the tests, and more.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tests.measure.tilted import SIDE_MM, shot
from tests.measure.truth import paint, random_crack
from wallscan.domain.scale import ScaleSource
from wallscan.measure.marker import find_plane
from wallscan.measure.measurements import Circumstances, measurements
from wallscan.measure.scale import Plane

PICTURE = Path(__file__).parents[1] / "docs" / "results" / "measurements.png"
SIDE_PX = 700
WIDTHS_PX = (1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0)
TILTS_DEG = (0, 10, 20, 30)
SIDES_PX = (60, 100, 180)
Errors = dict[str, NDArray[np.float64]]


def crack_errors(walls: int) -> dict[float, Errors]:
    """Errors by nominal width: of the length in per cent, of the widths in pixels."""
    rng, found = np.random.default_rng(0), {}
    for width_px in WIDTHS_PX:
        rows = []
        for _ in range(walls // len(WIDTHS_PX)):
            crack = random_crack(rng, SIDE_PX, width_px, wander=0.4)
            seen = measurements(paint([crack], SIDE_PX, SIDE_PX), Circumstances(1.0, 1.0, 0.0))
            rows.append(
                (
                    100 * ((seen.length_px or 0) / crack.length_px - 1),
                    (seen.mean_width_px or 0) - crack.mean_width_px,
                    (seen.p95_width_px or 0) - np.percentile(crack.width_px, 95),
                    (seen.max_width_px or 0) - crack.width_px.max(),
                )
            )
        names = ("length %", "mean width px", "95th percentile width px", "greatest width px")
        found[width_px] = dict(zip(names, np.array(rows).T, strict=True))
    return found


def marker_errors(shots: int) -> dict[int, dict[int, tuple[NDArray[np.float64], int]]]:
    """Errors of the scale in per cent by tilt and the marker's side, and how many markers were missed."""
    rng = np.random.default_rng(0)
    each = max(1, shots // (len(TILTS_DEG) * len(SIDES_PX)))
    found: dict[int, dict[int, tuple[NDArray[np.float64], int]]] = {}
    for tilt_deg in TILTS_DEG:
        found[tilt_deg] = {}
        for side_px in SIDES_PX:
            errors = []
            for _ in range(each):
                taken = shot(rng, tilt_deg=tilt_deg, side_px=side_px)
                plane = find_plane(taken.grey, SIDE_MM)
                if isinstance(plane, Plane):
                    truth = Plane(taken.plane.homography, ScaleSource.MARKER, plane.reference_px)
                    errors.append(100 * (plane.mm_per_px / truth.mm_per_px - 1))
            found[tilt_deg][side_px] = np.array(errors), each - len(errors)
    return found


def draw(cracks: dict[float, Errors], markers: dict[int, dict[int, tuple[NDArray[np.float64], int]]]) -> None:
    """The distributions as boxes: median, quartiles, and whiskers to the farthest error."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(11, 7.5), constrained_layout=True)
    labels = [f"{width:g}" for width in cracks]
    panels = (("length %", 5.0), ("mean width px", 0.5), ("greatest width px", None))
    for axis, (name, bound) in zip(axes.flat, panels, strict=False):
        axis.boxplot([errors[name] for errors in cracks.values()], tick_labels=labels, whis=(0, 100))
        axis.set(title=f"Error of the {name.replace(' %', ', %').replace(' px', ', px')}")
        axis.set_xlabel("width of the crack, px")
        _bounds(axis, bound)
    last = axes.flat[3]
    boxes = {
        f"{tilt}°\n{side} px": errors
        for tilt, sides in markers.items()
        for side, (errors, _) in sides.items()
    }
    last.boxplot(list(boxes.values()), tick_labels=list(boxes), whis=(0, 100))
    last.set(title="Error of a marker's scale, %", xlabel="tilt of the wall, side of the marker in the photo")
    last.tick_params(axis="x", labelsize=7)
    _bounds(last, 1.0)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110)


def _bounds(axis: object, bound: float | None) -> None:
    axis.axhline(0, color="0.6", linewidth=0.8)  # type: ignore[attr-defined]
    for level in () if bound is None else (-bound, bound):
        axis.axhline(level, color="tab:red", linewidth=0.8, linestyle="--")  # type: ignore[attr-defined]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--walls", type=int, default=280)
    parser.add_argument("--shots", type=int, default=240)
    asked = parser.parse_args(arguments)
    cracks, markers = crack_errors(asked.walls), marker_errors(asked.shots)
    console = Console(width=120)
    table = Table("Width px", "Error of", "Median", "90 % within", "Worst", title=f"{asked.walls} cracks")
    for width, errors in cracks.items():
        for name, values in errors.items():
            table.add_row(f"{width:g}", name, *_row(values))
    console.print(table)
    table = Table(
        "Tilt", "Side px", "Median %", "90 % within", "Worst", "Missed", title=f"{asked.shots} markers"
    )
    for tilt, sides in markers.items():
        for side, (values, missed) in sides.items():
            table.add_row(f"{tilt}°", str(side), *_row(values), str(missed))
    console.print(table)
    draw(cracks, markers)
    console.print(f"Drawn: {PICTURE}")


def _row(values: NDArray[np.float64]) -> tuple[str, str, str]:
    away = np.abs(values)
    return f"{np.median(values):+.2f}", f"{np.quantile(away, 0.9):.2f}", f"{away.max():.2f}"


if __name__ == "__main__":
    main()
