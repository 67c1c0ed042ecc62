"""`python -m benchmarks.truth`: how wrong measurements are on rendered walls whose cracks are known.

Each crack is measured three times: on its own small mask, pixel by pixel, and on photos of 12 megapixels
whose maps have 352 and 320 cells along the longer side, as the networks answer that look at a photo whole;
there centre lines are sought on a raster of 3 and of 4 px, and widths on one of 2. Prints percentiles of the
errors; with `--draw` their distributions in the docs are drawn anew. The walls are those of the tests, and
more.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tests.measure.tilted import SIDE_MM, shot
from tests.measure.truth import PHOTO_PX, TrueCrack, on_photo, paint, random_crack
from wallscan.domain.scale import ScaleSource
from wallscan.measure.marker import find_plane
from wallscan.measure.measurements import Circumstances, measurements
from wallscan.measure.scale import Plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FINE, LARGE, COARSE = "pixel by pixel", "12 megapixels, 352 cells", "12 megapixels, 320 cells"
CELL_PX = {FINE: 1.0, LARGE: PHOTO_PX[1] / 352, COARSE: PHOTO_PX[1] / 320}
"""Side of a cell of the map that a mask comes from, in the mask's pixels."""
ERRORS = ("length %", "mean width px", "95th percentile width px", "greatest width px")
PICTURE = Path(__file__).parents[1] / "docs" / "results" / "measurements.png"
SIDE_PX = 700
WIDTHS_PX = (1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0)
TILTS_DEG = (0, 10, 20, 30)
SIDES_PX = (60, 100, 180)
Errors = dict[str, NDArray[np.float64]]


def crack_errors(walls: int) -> dict[str, dict[float, Errors]]:
    """Errors by kind of mask and nominal width: of the length in per cent, of the widths in pixels."""
    rng = np.random.default_rng(0)
    found: dict[str, dict[float, Errors]] = {kind: {} for kind in CELL_PX}
    for width_px in WIDTHS_PX:
        rows: dict[str, list[tuple[float, ...]]] = {kind: [] for kind in CELL_PX}
        for _ in range(walls // len(WIDTHS_PX)):
            crack = random_crack(rng, SIDE_PX, width_px, wander=0.4)
            mask = paint([crack], SIDE_PX, SIDE_PX)
            photo = on_photo(mask, rng)
            for kind, cell_px in CELL_PX.items():
                rows[kind].append(errors(mask if kind == FINE else photo, cell_px, crack))
        for kind, of_kind in rows.items():
            found[kind][width_px] = dict(zip(ERRORS, np.array(of_kind).T, strict=True))
    return found


def errors(mask: NDArray[np.uint8], cell_px: float, crack: TrueCrack) -> tuple[float, ...]:
    """How far measurements of a mask with one crack are off, in the order of `ERRORS`."""
    seen = measurements(mask, Circumstances(cell_px, 1.0, 0.0))
    return (
        100 * ((seen.length_px or 0) / crack.length_px - 1),
        (seen.mean_width_px or 0) - crack.mean_width_px,
        (seen.p95_width_px or 0) - float(np.percentile(crack.width_px, 95)),
        (seen.max_width_px or 0) - float(crack.width_px.max()),
    )


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


def draw(
    cracks: dict[str, dict[float, Errors]], markers: dict[int, dict[int, tuple[NDArray[np.float64], int]]]
) -> None:
    """The distributions as boxes: median, quartiles, and whiskers to the farthest error."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(12, 8), constrained_layout=True)
    panels = (("length %", 5.0), ("mean width px", 0.5), ("95th percentile width px", None))
    for axis, (name, bound) in zip(axes.flat, panels, strict=False):
        _kinds(axis, cracks, name)
        axis.set(title=f"Error of the {name.replace(' %', ', %').replace(' px', ', px')}")
        axis.set_xlabel("width of the crack, px")
        _bounds(axis, bound)
    axes.flat[0].legend(loc="lower right", fontsize=8)
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


def _kinds(axis: "Axes", cracks: dict[str, dict[float, Errors]], name: str) -> None:
    """A box for each kind of mask, side by side at each width."""
    for place, (kind, by_width) in enumerate(cracks.items()):
        colour = f"C{place}"
        axis.boxplot(
            [of_width[name] for of_width in by_width.values()],
            positions=[number + (place - 1) * 0.26 for number in range(len(by_width))],
            widths=0.2,
            whis=(0, 100),
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": colour, "alpha": 0.5},
            medianprops={"color": "black"},
        )
        axis.plot([], [], color=colour, linewidth=6, alpha=0.5, label=kind)
    axis.set_xticks(range(len(WIDTHS_PX)), [f"{width:g}" for width in WIDTHS_PX])


def _bounds(axis: "Axes", bound: float | None) -> None:
    axis.axhline(0, color="0.6", linewidth=0.8)
    for level in () if bound is None else (-bound, bound):
        axis.axhline(level, color="tab:red", linewidth=0.8, linestyle="--")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--walls", type=int, default=280)
    parser.add_argument("--shots", type=int, default=240)
    parser.add_argument("--draw", action="store_true", help=f"draw {PICTURE.name} of the docs anew")
    asked = parser.parse_args(arguments)
    cracks, markers = crack_errors(asked.walls), marker_errors(asked.shots)
    console = Console(width=120)
    console.print(crack_table(cracks, f"{asked.walls} cracks: median, 90 % within, worst"))
    table = Table(
        "Tilt", "Side px", "Median %", "90 % within", "Worst", "Missed", title=f"{asked.shots} markers"
    )
    for tilt, sides in markers.items():
        for side, (values, missed) in sides.items():
            table.add_row(f"{tilt}°", str(side), *_row(values), str(missed))
    console.print(table)
    if asked.draw:
        draw(cracks, markers)
        console.print(f"Drawn: {PICTURE}")


def crack_table(cracks: dict[str, dict[float, Errors]], title: str) -> Table:
    """A row per error and width, a column per kind of mask."""
    table = Table("Error of", "Width px", *cracks, title=title)
    for name in ERRORS:
        for width_px in WIDTHS_PX:
            cells = (" ".join(_row(of_kind[width_px][name])) for of_kind in cracks.values())
            table.add_row(name, f"{width_px:g}", *cells)
    return table


def _row(values: NDArray[np.float64]) -> tuple[str, str, str]:
    away = np.abs(values)
    return f"{np.median(values):+.2f}", f"{np.quantile(away, 0.9):.2f}", f"{away.max():.2f}"


if __name__ == "__main__":
    main()
