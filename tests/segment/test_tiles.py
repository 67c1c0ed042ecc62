import cv2
import numpy as np
import pytest

from wallscan.domain.codes import Code
from wallscan.domain.errors import InferenceError
from wallscan.domain.looks import Detail, Look
from wallscan.domain.pipelines import FOUNDING
from wallscan.measure.measured import measured
from wallscan.models import starter_bundle
from wallscan.models.files import read_manifest
from wallscan.segment.engine import Runtime, load_engine
from wallscan.segment.preprocess import to_square
from wallscan.segment.tiles import decode_target_px, look_at

SIDE = 64
CLOSE = [Look(detail) for detail in (Detail.TILES, Detail.FINE_TILES, Detail.ADAPTIVE)]


class Blurring:
    """An engine whose map is how dark a place is, smoothed: the same wherever a window begins."""

    input_px = SIDE
    runtime = Runtime("blur", "1", "cpu", "f32")

    def __init__(self):
        self.views = []

    @property
    def manifest(self):
        return read_manifest(starter_bundle())

    def probabilities(self, image, prompts):
        self.views.append(image.shape[:2])
        dark = 1 - to_square(image, SIDE).astype(np.float32).mean(axis=2) / 255
        smooth = cv2.GaussianBlur(dark, (0, 0), 1.5)
        return np.stack([smooth ** (1 + place) for place in range(len(prompts))])


@pytest.fixture
def engine():
    return Blurring()


def wall(height=240, width=320, crack=True, light=230):
    """A wall with soft unevenness and one thin dark line across a part of it."""
    rng = np.random.default_rng(3)
    uneven = cv2.resize(
        rng.normal(0, 6, (6, 8)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    image = np.repeat((light + uneven).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if crack:
        cv2.line(image, (width // 10, height // 8), (width // 3, height // 3), (20, 20, 20), 2)
    return image


@pytest.mark.parametrize("flip", [False, True])
def test_detail_1_is_the_engines_own_answer(engine, flip):
    image = wall()
    seen = look_at(engine, image, ["a", "b"], Look(Detail.WHOLE, flip))
    whole = engine.probabilities(image, ["a", "b"])
    if flip:
        whole = (whole + engine.probabilities(image[:, ::-1], ["a", "b"])[:, :, ::-1]) / 2
    assert seen.maps.tobytes() == whole.astype(np.float32).tobytes()
    assert seen.view_cells == SIDE


@pytest.mark.parametrize("look", CLOSE)
def test_a_photo_that_fits_the_input_is_looked_at_once(engine, look):
    image = wall(SIDE // 2, SIDE)
    seen = look_at(engine, image, ["a"], look)
    assert seen.maps.tobytes() == engine.probabilities(image, ["a"]).tobytes()


@pytest.mark.parametrize("look", CLOSE)
@pytest.mark.parametrize(
    "size", [(240, 320), (320, 240), (70, 900), (1, 5000), (3000, 1), (65, 64), (199, 203)]
)
def test_maps_have_the_photos_shape_and_are_probabilities(engine, look, size):
    seen = look_at(engine, wall(*size), ["a", "b"], look)
    assert seen.maps.dtype == np.float32
    assert len(seen.maps) == 2
    assert np.isfinite(seen.maps).all()
    assert seen.maps.min() >= 0
    assert seen.maps.max() <= 1
    if seen.maps.shape[1:] != (SIDE, SIDE):
        scale = max(seen.maps.shape[1:]) / max(size)
        assert np.allclose(seen.maps.shape[1:], np.maximum(1, np.array(size) * scale), atol=1)


class Choosy(Blurring):
    """From afar `left` sees the left half of a photo alone, `right` the right; from nearby both see all."""

    def probabilities(self, image, prompts):
        (dark,) = super().probabilities(image, ["dark"])
        maps = {"left": dark, "right": dark**1.5}
        if image.shape[1] > SIDE:
            maps["left"][:, SIDE // 2 :], maps["right"][:, : SIDE // 2] = 0, 0
        return np.stack([maps[prompt] for prompt in prompts])


@pytest.mark.parametrize("look", [*CLOSE, Look(Detail.ADAPTIVE, flip=True)])
def test_the_same_photo_gives_the_same_bytes_whatever_else_is_asked(look):
    image = wall(crack=False)
    for x in range(20, 300, 40):
        cv2.line(image, (x, 5), (x + 20, 235), (20, 20, 20), 3)
    maps, views = {}, {}
    for asked in (("left",), ("right",), ("left", "right"), ("right", "left"), ("left", "left")):
        engine = Choosy()
        maps[asked] = dict(zip(asked, look_at(engine, image, asked, look).maps, strict=True))
        views[asked] = len(engine.views)
        for prompt in asked:
            assert maps[asked][prompt].tobytes() == maps[prompt,][prompt].tobytes()
    both, left, right = (views[asked] for asked in (("left", "right"), ("left",), ("right",)))
    assert views["right", "left"] == both
    assert views["left", "left"] == left
    if look == Look(Detail.ADAPTIVE):  # a window that both ask for is looked at once
        assert max(left, right) < both < left + right - 1
    assert look.detail is Detail.ADAPTIVE or left == right == both


@pytest.mark.parametrize("shift", [5, 17, 31])
def test_seams_do_not_show_where_the_grid_shifts(engine, shift):
    """The same wall through a grid that begins elsewhere: away from the photo's border all stays as it is."""
    image = wall(180, 260)  # small enough not to be reduced
    maps = look_at(engine, image, ["a"], Look(Detail.TILES)).maps[0]
    moved = look_at(engine, image[shift:, shift:], ["a"], Look(Detail.TILES)).maps[0]
    assert maps.shape == (180, 260)
    there = maps[shift:, shift:][15:-15, 15:-15], moved[15:-15, 15:-15]
    assert np.abs(there[0] - there[1]).max() < 0.03 * (maps.max() - maps.min())


def test_a_closer_look_keeps_a_thin_line_that_the_whole_photo_blurs(engine):
    image = wall(crack=True)
    clean = wall(crack=False)
    contrasts = {}
    for detail in (Detail.WHOLE, Detail.TILES):
        with_line, without = (
            look_at(engine, one, ["a"], Look(detail)).maps[0].max() for one in (image, clean)
        )
        contrasts[detail] = with_line - without
    assert contrasts[Detail.TILES] > 1.5 * contrasts[Detail.WHOLE]


class Sure(Blurring):
    """An engine to which the unevenness of a wall is nothing, and a thin line as good as certain."""

    def probabilities(self, image, prompts):
        return ((super().probabilities(image, prompts) - 0.15) * 3).clip(0, 1)


def test_adaptive_visits_the_windows_with_a_reason_alone():
    engine, image = Sure(), wall(960, 1280, crack=False)
    look_at(engine, image, ["a"], Look(Detail.ADAPTIVE))
    assert len(engine.views) == 1
    cv2.line(image, (100, 120), (400, 130), (20, 20, 20), 14)
    engine.views.clear()
    adaptive = look_at(engine, image, ["a"], Look(Detail.ADAPTIVE)).maps[0]
    visited = len(engine.views)
    engine.views.clear()
    every = look_at(engine, image, ["a"], Look(Detail.TILES)).maps[0]
    assert len(engine.views) == 21
    assert 2 <= visited <= 6
    assert np.allclose(adaptive[20:40, 20:90], every[20:40, 20:90], atol=0.05)


@pytest.mark.parametrize("flip", [False, True])
def test_only_one_plain_view_of_the_whole_photo_is_what_calibrations_are_fitted_on(engine, flip):
    for look in (Look(Detail.WHOLE, flip), *(Look(close.detail, flip) for close in CLOSE)):
        small, large = (look_at(engine, wall(*size), ["a"], look) for size in ((48, SIDE), (240, 320)))
        assert small.as_fitted is not flip
        assert large.as_fitted is (look.detail is Detail.WHOLE and not flip)


def test_flip_sees_every_view_twice(engine):
    look_at(engine, wall(), ["a"], Look(Detail.TILES))
    once = len(engine.views)
    engine.views.clear()
    look_at(engine, wall(), ["a"], Look(Detail.TILES, flip=True))
    assert len(engine.views) == 2 * once


def test_flip_makes_an_engine_that_favours_a_side_fair(engine):
    class Lopsided(Blurring):
        def probabilities(self, image, prompts):
            return super().probabilities(image, prompts) * np.linspace(0, 1, SIDE, dtype=np.float32)

    image = np.full((240, 320, 3), 128, np.uint8)
    fair = look_at(Lopsided(), image, ["a"], Look(Detail.TILES, flip=True)).maps[0]
    assert np.allclose(fair, fair[:, ::-1], atol=1e-5)


class Banded(Blurring):
    """From afar it sees what it is given, as sure as it gets; from nearby nothing at all."""

    def __init__(self, height):
        super().__init__()
        self.height = height

    def probabilities(self, image, prompts):
        first = not self.views
        maps = super().probabilities(image, prompts) * 0
        if first:
            maps[:, 20 : 20 + self.height] = 1
        return maps


@pytest.mark.parametrize("detail", [Detail.TILES, Detail.FINE_TILES])
def test_windows_do_not_overrule_what_the_whole_photo_shows_broad(detail):
    """A joint's band as wide as a window has no edge there."""
    band = look_at(Banded(height=8), wall(crack=False), ["a"], Look(detail)).maps[0]
    line = look_at(Banded(height=2), wall(crack=False), ["a"], Look(detail)).maps[0]
    rows = slice(len(band) * 22 // SIDE, len(band) * 26 // SIDE)
    assert band[rows].min() > 0.9
    assert line.max() < 0.5


class NotFinite(Sure):
    """One cell of one view, and of one prompt, is no number: an engine that does not check its answers."""

    def __init__(self, view, cell):
        super().__init__()
        self.view, self.cell = view, cell

    def probabilities(self, image, prompts):
        maps = super().probabilities(image, prompts)
        if len(self.views) == self.view + 1:
            maps[-1][self.cell] = np.nan
        return maps


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("cell", [(SIDE // 2, SIDE // 2), (0, SIDE - 1)])
def test_nan_in_any_single_view_reaches_the_map_and_is_refused(engine, cell, flip):
    look, image, gate = Look(Detail.TILES, flip), wall(), engine.manifest.gate_for("b")
    look_at(engine, image, ["a", "b"], look)
    assert len(engine.views) == (1 + 20) * (1 + flip)
    for view in range(len(engine.views)):
        seen = look_at(NotFinite(view, cell), image, ["a", "b"], look)
        assert np.isfinite(seen.maps[0]).all()
        with pytest.raises(InferenceError) as refused:
            measured(seen.maps[1], height_px=240, width_px=320, gate=gate, postprocess=FOUNDING)
        assert refused.value.code is Code.INFERENCE_NOT_FINITE


@pytest.mark.parametrize("view", [0, 1])
def test_nan_is_refused_where_adaptive_looks_closer_and_where_it_does_not(view):
    image = wall(960, 1280)
    cv2.line(image, (100, 120), (400, 130), (20, 20, 20), 14)
    broken = NotFinite(view, (SIDE // 2, SIDE // 2))
    assert np.isnan(look_at(broken, image, ["a"], Look(Detail.ADAPTIVE)).maps).any()
    assert len(broken.views) > view


def test_photos_are_decoded_at_what_the_detail_needs():
    assert decode_target_px(Detail.WHOLE, 352) == 704
    assert 1056 <= decode_target_px(Detail.TILES, 352) < 1408
    assert decode_target_px(Detail.ADAPTIVE, 352) == decode_target_px(Detail.TILES, 352)
    assert 1584 <= decode_target_px(Detail.FINE_TILES, 352) < 2112


@pytest.fixture(scope="module")
def starter():
    return load_engine(starter_bundle())


def test_detail_1_of_the_shipped_model_is_byte_for_byte_its_own(starter):
    image = wall(480, 640)
    seen = look_at(starter, image, ["crack", "drywall joint"], Look(Detail.WHOLE))
    assert seen.maps.tobytes() == starter.probabilities(image, ["crack", "drywall joint"]).tobytes()


def test_the_shipped_model_shows_no_seams(starter):
    """With the grid elsewhere it says the same, and at the windows' borders its map is as smooth as ever."""
    image = wall(400, 660)
    maps = look_at(starter, image, ["crack"], Look(Detail.TILES)).maps[0]
    moved = look_at(starter, image[:, 40:], ["crack"], Look(Detail.TILES)).maps[0]
    assert maps.shape == (400, 660)
    assert np.abs(maps[:, 40:] - moved)[:, 20:-20].mean() < 0.02
    steps = np.abs(np.diff(maps, axis=1)).mean(axis=0)
    borders = [170, 320, 340, 490]  # windows begin at 0, 170, 340 and end 320 later
    assert steps[borders].max() <= np.quantile(steps, 0.95)
