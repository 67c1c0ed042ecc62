"""What each of the twelve photos shows. Lengths are pixels of the full-size photo."""

from collections.abc import Callable
from dataclasses import dataclass

from samples import fixtures
from samples.canvas import Canvas, Rgb
from samples.cracks import Crack, draw_crack


@dataclass(frozen=True)
class Shot:
    """One photo: where it lies, its paint and texture, and what is on the wall, from back to front."""

    path: str
    seed: int
    paint: Rgb
    steps: tuple[Callable[[Canvas], None], ...]
    texture: float = 1.0
    portrait: bool = False
    light_from: tuple[float, float] = (0.1, 0.2)
    tilt: float = 0.0


def _crack(
    x: float, y: float, heading: float, length: float, width: float, branches: int
) -> Callable[[Canvas], None]:
    return lambda canvas: draw_crack(canvas, Crack(x, y, heading, length, width, branches))


def _lobby() -> tuple[Shot, ...]:
    white: Rgb = (214, 208, 196)
    return (
        Shot(
            "lobby-north/1.jpg",
            11,
            white,
            (
                _crack(2560, 1660, 212, 2500, 28, 2),
                lambda canvas: fixtures.door_frame(canvas, 2500, 1620),
            ),
            light_from=(0.05, 0.3),
            tilt=0.02,
        ),
        Shot(
            "lobby-north/2.jpg",
            12,
            white,
            (
                _crack(1850, -20, 88, 3300, 30, 3),
                lambda canvas: fixtures.skirting(canvas, 2420),
                lambda canvas: fixtures.socket(canvas, 2760, 1760),
            ),
            light_from=(0.0, 0.1),
            tilt=-0.015,
        ),
        Shot(
            "lobby-north/3.jpg",
            13,
            white,
            (
                lambda canvas: fixtures.cast_shadow(
                    canvas, [(2500, -50), (3300, -50), (2000, 3100), (1200, 3100)], 40, 0.8
                ),
                lambda canvas: fixtures.skirting(canvas, 2460),
                lambda canvas: fixtures.socket(canvas, 900, 1800),
            ),
            light_from=(0.9, 0.1),
        ),
        Shot(
            "lobby-north/4.jpg",
            14,
            (206, 203, 193),
            (
                _crack(-20, 1700, -8, 4200, 24, 2),
                _crack(2350, 1520, 80, 1700, 20, 1),
                lambda canvas: fixtures.ceiling(canvas, 420, 350),
            ),
            light_from=(0.5, 1.0),
            tilt=0.03,
        ),
    )


def _stairwell() -> tuple[Shot, ...]:
    grey: Rgb = (168, 170, 168)
    return (
        Shot("stairwell-2/1.jpg", 21, grey, (_crack(420, 2980, -52, 4400, 30, 4),), texture=2.0),
        Shot(
            "stairwell-2/2.jpg",
            22,
            grey,
            (
                lambda canvas: fixtures.conduit(canvas, 2720),
                lambda canvas: fixtures.cast_shadow(
                    canvas, [(-50, 2100), (4100, 900), (4100, 3100), (-50, 3100)], 22, 0.82
                ),
            ),
            texture=2.0,
            light_from=(0.8, 0.0),
        ),
        Shot(
            "stairwell-2/3.jpg",
            23,
            (176, 175, 168),
            (
                _crack(650, -20, 76, 2200, 26, 2),
                _crack(3300, 800, 118, 1900, 22, 1),
                lambda canvas: fixtures.skirting(canvas, 2560, (112, 112, 110)),
            ),
            texture=2.2,
            light_from=(0.3, 0.0),
            tilt=-0.02,
        ),
        Shot(
            "stairwell-2/4 upright.jpg",
            24,
            grey,
            (_crack(1600, 200, 94, 3900, 28, 3),),
            texture=1.8,
            portrait=True,
            light_from=(0.0, 0.4),
        ),
    )


def _meeting_room() -> tuple[Shot, ...]:
    board: Rgb = (176, 168, 158)
    green: Rgb = (122, 160, 142)
    return (
        Shot(
            "meeting room ü/board 1.jpg",
            31,
            board,
            (
                lambda canvas: fixtures.raw_seam(canvas, ((1880, -60), (2010, 3060))),
                lambda canvas: fixtures.screws(canvas, 1610, filled=False),
                lambda canvas: fixtures.screws(canvas, 2290, filled=False),
                lambda canvas: fixtures.printed_text(canvas, '1/2" Walls & Ceilings', 1440, 500),
            ),
            texture=0.5,
            light_from=(0.7, 0.2),
            tilt=0.02,
        ),
        Shot(
            "meeting room ü/board 2.jpg",
            32,
            board,
            (
                lambda canvas: fixtures.taped_seam(canvas, ((-60, 1330), (4060, 1430))),
                lambda canvas: fixtures.screws(canvas, 1000, filled=True),
                lambda canvas: fixtures.screws(canvas, 3050, filled=True),
            ),
            texture=0.5,
            light_from=(0.2, 0.0),
        ),
        Shot(
            "meeting room ü/board 3.jpg",
            33,
            green,
            (
                lambda canvas: fixtures.raw_seam(canvas, ((2900, -60), (2740, 3060))),
                _crack(300, 300, 38, 3000, 26, 1),
                lambda canvas: fixtures.screws(canvas, 2480, filled=False),
            ),
            texture=0.6,
            light_from=(0.4, 0.1),
            tilt=-0.02,
        ),
        Shot(
            "meeting room ü/Fenster links.jpg",
            34,
            board,
            (
                lambda canvas: fixtures.taped_seam(canvas, ((1240, -60), (1180, 3060)), 380),
                _crack(3900, 260, 148, 2600, 28, 2),
                lambda canvas: fixtures.skirting(canvas, 2600, (120, 116, 110)),
            ),
            texture=0.7,
            light_from=(1.0, 0.3),
        ),
    )


def all_shots() -> tuple[Shot, ...]:
    """The twelve photos: three walls of four. Four of them show no crack."""
    return (*_lobby(), *_stairwell(), *_meeting_room())
