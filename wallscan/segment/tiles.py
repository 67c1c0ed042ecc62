"""A photo looked at in overlapping windows as well as whole, blended into one map a prompt.

The network sees a window at several times the size that it has in the whole photo, so thin cracks do not
fade; the whole photo tells what the windows lie in. Where no window is looked at, and where the whole photo
shows something broad, its map stands in for them, and the weights of the windows make the passage smooth.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.looks import SQUARE_SHARE, Detail, Look
from wallscan.segment.adaptive import broad, worth_a_look
from wallscan.segment.engine import Batching, Engine
from wallscan.segment.grid import AREA_INPUTS, Grid, Window, reduced_size

Number = TypeVar("Number", np.uint8, np.float32)
Pixels = NDArray[np.uint8]
Map = NDArray[np.float32]
Maps = NDArray[np.float32]

CONTEXT_SHARE = 0.3
"""How much the whole photo's log odds count beside those of the windows."""
CONTEXT_REACH = 1 / 36
"""How far the whole photo's map may miss the place, as a share of its side: a token or so."""
ENOUGH = 0.25
"""Windows with this part of a place's weight speak for it; with less, the whole photo comes in."""
_TIMES = {Detail.WHOLE: 1, Detail.TILES: 2, Detail.ADAPTIVE: 2, Detail.FINE_TILES: 3}
_SURE = 1e-5
"""Probabilities nearer to 0 or 1 count as this near, so that no side alone decides."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Per prompt, the probability of each place of the photo: (P, h, w) float32 in 0..1.

    `view_cells` is the side, in cells of the map, of what the network saw at once: presence gates were
    fitted on maps of one view. `flipped` says that views were averaged with their mirror images.
    """

    maps: Maps
    view_cells: int
    flipped: bool = False

    @property
    def whole(self) -> bool:
        """Whether the photo was looked at whole, in one view."""
        return self.maps.shape[1:] == (self.view_cells, self.view_cells)

    @property
    def as_fitted(self) -> bool:
        """Whether the maps are what calibrations are fitted on: the photo seen whole, not mirrored."""
        return self.whole and not self.flipped


def decode_target_px(detail: Detail, input_px: int) -> int:
    """How many pixels the shorter side of a photo needs at least for a look of this detail.

    The whole photo needs twice the input; tiles as many as a square photo keeps.
    """
    return max(2 * input_px, math.ceil(math.sqrt(AREA_INPUTS) * _TIMES[detail] * input_px))


def look_at(engine: Engine, image: Pixels, prompts: Sequence[str], look: Look) -> Seen:
    """What the engine sees in an upright RGB photo (H, W, 3); AUTO must have been `settled` before.

    At detail 1 these are the engine's own square maps, byte for byte. Closer, they have the photo's shape,
    reduced as `reduced_size` says. A prompt's map is the same whatever else is asked. Raises what
    `Engine.probabilities` raises.
    """

    def views(images: Iterable[Pixels]) -> Iterator[Maps]:
        return _views(engine, images, prompts, look)

    (whole,) = views([image])
    detail = look.detail
    size = reduced_size(image.shape[0], image.shape[1], _TIMES[detail], engine.input_px)
    grid = Grid(*size, engine.input_px)
    if detail is Detail.WHOLE or len(grid.windows) == 1:
        return Seen(whole, whole.shape[-1], look.flip)
    reduced = resized(image, grid.height, grid.width)
    chosen = (
        worth_a_look(reduced, whole, grid) if detail is Detail.ADAPTIVE else [grid.windows for _ in prompts]
    )
    maps = seen_closely(
        lambda windows: views(reduced[window.place] for window in windows), grid, whole, chosen
    )
    return Seen(maps, grid.side, look.flip)


def seen_closely(
    look_into: Callable[[Iterable[Window]], Iterator[Maps]],
    grid: Grid,
    whole: Maps,
    chosen: Sequence[Sequence[Window]],
) -> Maps:
    """The maps (P, h, w) of a photo seen whole (P, s, s) and, per prompt, in some windows of its grid.

    `look_into` gives the maps (P, side, side) of each window that it is given, in their order.
    """
    found = _blended(look_into, grid, chosen)
    in_all = grid.weights(grid.windows)
    for one, whole_map, own in zip(found, whole, chosen, strict=True):
        looked = (grid.weights(own) / in_all / ENOUGH).clip(0, 1)
        # Of what is as broad as a window, windows see pieces without an edge, and lose it.
        thin = resized(1 - broad(whole_map).astype(np.float32), grid.height, grid.width)
        one[:] = _in_context(one, whole_map, looked * thin)
    return found


def _views(engine: Engine, images: Iterable[Pixels], prompts: Sequence[str], look: Look) -> Iterator[Maps]:
    """The engine's maps (P, s, s) of each view; with `flip` the mean with those of its mirror image."""
    waiting = iter(images)
    # All prompts decide which windows adaptive looks into: who shares a batch, and with it the last digits
    # of one prompt's map, would hang on the others.
    at_once = engine.batch if isinstance(engine, Batching) and look.detail is not Detail.ADAPTIVE else 1
    while some := list(islice(waiting, at_once)):
        maps = _seen(engine, some, prompts)
        if look.flip:
            mirrored = _seen(engine, [np.ascontiguousarray(image[:, ::-1]) for image in some], prompts)
            maps = (maps + mirrored[..., ::-1]) / np.float32(2)
        yield from maps


def _seen(engine: Engine, images: Sequence[Pixels], prompts: Sequence[str]) -> Maps:
    """The engine's maps (N, P, s, s) of some images."""
    if isinstance(engine, Batching):
        return engine.probabilities_of_each(images, prompts)
    return np.stack([engine.probabilities(image, prompts) for image in images])


def _blended(
    look_into: Callable[[Iterable[Window]], Iterator[Maps]],
    grid: Grid,
    chosen: Sequence[Sequence[Window]],
) -> Maps:
    """Each place's mean over the windows chosen for a prompt that show it, weighted by `Grid.weight`.

    (P, h, w), 0 where no window does. A window is looked at once for all the prompts that it was chosen for.
    """
    total = np.zeros((len(chosen), grid.height, grid.width), np.float32)
    of_any = frozenset(chain.from_iterable(chosen))
    windows = [window for window in grid.windows if window in of_any]
    for window, maps in zip(windows, look_into(windows), strict=True):
        for one, own, seen in zip(total, chosen, maps, strict=True):
            if window in own:
                one[window.place] += grid.weight * resized(seen, window.height, window.width)
    for one, own in zip(total, chosen, strict=True):
        weights = grid.weights(own)
        np.divide(one, weights, out=one, where=weights > 0)
    return total


def _in_context(closer: Map, whole: Map, looked: Map) -> Map:
    """What windows (h, w) and the whole photo (s, s) say together, and the whole alone where none looked.

    The log odds' weighted mean (a logarithmic opinion pool: Genest and Zidek, "Combining Probability
    Distributions", 1986), for which the whole photo need only see something nearby: windows are doubted
    where it sees nothing far and wide, and overrule it where they are sure.
    """
    height, width = closer.shape
    nearby = resized(_nearby(whole), height, width)
    odds = (1 - CONTEXT_SHARE) * _log_odds(closer) + CONTEXT_SHARE * _log_odds(nearby)
    pooled = 1 / (1 + np.exp(-odds))
    context = resized(np.minimum(whole, _standing(whole)), height, width)
    return np.asarray(context + looked * (pooled - context), np.float32).clip(0, 1)


def _log_odds(probabilities: Map) -> Map:
    sure = probabilities.clip(_SURE, 1 - _SURE)
    return np.asarray(np.log(sure / (1 - sure)), np.float32)


def _nearby(whole: Map) -> Map:
    """The highest probability around each cell of a whole photo's map (s, s)."""
    reach = max(1, 2 * round(len(whole) * CONTEXT_REACH / 2) + 1)
    return np.asarray(cv2.dilate(whole, np.ones((reach, reach), np.uint8)), np.float32)


def _standing(whole: Map) -> Map:
    """The best mean around each cell of a whole photo's map (s, s), over squares that no dot fills.

    Enlarged to the windows' grid, a mere dot of the map would fill such a square.
    """
    square = np.ones((max(1, round(len(whole) * SQUARE_SHARE)),) * 2, np.uint8)
    means = cv2.blur(whole, square.shape)
    return np.asarray(cv2.dilate(means, square), np.float32)


def resized(picture: NDArray[Number], height: int, width: int) -> NDArray[Number]:
    """An (h, w) map or (h, w, 3) picture at another size: averaged where it shrinks, else interpolated."""
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = height <= picture.shape[0] and width <= picture.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(picture, (width, height), interpolation=way).astype(picture.dtype, copy=False)
