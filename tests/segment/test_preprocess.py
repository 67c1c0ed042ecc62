import json

import numpy as np
import pytest
from PIL import Image
from transformers import ViTImageProcessor

from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.segment.preprocess import InputSpec, preprocess, to_square

SPEC = InputSpec(352, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def smooth_photo(height, width):
    rng = np.random.default_rng(1)
    small = Image.fromarray(rng.integers(0, 255, (12, 16, 3), np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.parametrize(("height", "width"), [(640, 640), (1500, 2000), (352, 352), (200, 900), (120, 160)])
def test_it_agrees_with_transformers_own_processor(height, width):
    photo = smooth_photo(height, width)
    processor = ViTImageProcessor(
        size={"height": 352, "width": 352}, image_mean=SPEC.mean, image_std=SPEC.std, resample=2
    )
    theirs = processor(Image.fromarray(photo), return_tensors="np")["pixel_values"][0]
    ours = preprocess(photo, SPEC)
    assert ours.shape == theirs.shape == (3, 352, 352)
    assert ours.dtype == np.float32
    one_level = 1 / 255 / min(SPEC.std)
    assert np.abs(ours - theirs).mean() < one_level
    assert np.abs(ours - theirs).max() < 8 * one_level


def test_a_thin_line_fades_but_does_not_vanish_or_break_up():
    photo = np.full((3000, 4000, 3), 200, np.uint8)
    photo[:, 1003:1009] = 0
    row = to_square(photo, 320)[:, :, 0].min(axis=1)
    assert row.max() < 160
    assert int(row.max()) - int(row.min()) <= 1


@pytest.mark.parametrize(
    ("size", "side"),
    [(352, 352), ({"height": 64, "width": 64}, 64), ({"shortest_edge": 224}, 224)],
)
def test_the_sizes_that_transformers_writes_are_read(tmp_path, size, side):
    document = {"size": size, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(document))
    assert InputSpec.read(tmp_path) == InputSpec(side, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


@pytest.mark.parametrize(
    "document",
    [
        "not json",
        "[]",
        '{"image_mean": [0,0,0], "image_std": [1,1,1]}',
        '{"size": 100000, "image_mean": [0,0,0], "image_std": [1,1,1]}',
        '{"size": {"height": 10, "width": 20}, "image_mean": [0,0,0], "image_std": [1,1,1]}',
        '{"size": 32, "image_mean": [0,0], "image_std": [1,1,1]}',
        '{"size": 32, "image_mean": [0,0,0], "image_std": [0,1,1]}',
    ],
)
def test_a_useless_configuration_is_refused(tmp_path, document):
    (tmp_path / "preprocessor_config.json").write_text(document)
    with pytest.raises(BundleError) as caught:
        InputSpec.read(tmp_path)
    assert caught.value.code == Code.BUNDLE_UNLOADABLE
