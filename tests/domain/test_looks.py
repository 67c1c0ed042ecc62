import pytest

from wallscan.domain.looks import Detail, settled


@pytest.mark.parametrize(
    ("long_px", "mm_per_px", "expected"),
    [
        (640, None, Detail.WHOLE),
        (704, None, Detail.WHOLE),
        (705, None, Detail.ADAPTIVE),
        (4000, None, Detail.ADAPTIVE),
        (4000, 0.05, Detail.WHOLE),  # 200 mm over 352 px: hairlines are as wide as pixels already
        (4000, 0.5, Detail.ADAPTIVE),
    ],
)
def test_auto_goes_by_the_photo_and_its_scale(long_px, mm_per_px, expected):
    assert settled(long_px, 352, mm_per_px) is expected
