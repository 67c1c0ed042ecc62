import json

import pytest

from wallscan.domain.codes import Code
from wallscan.domain.errors import PipelineError
from wallscan.domain.pipelines import (
    DEFAULT_PIPELINE,
    FOUNDING,
    PIPELINE_NAMES,
    STANDARD,
    Founding,
    Standard,
    parse_pipeline,
    recorded,
)


@pytest.mark.parametrize("name", PIPELINE_NAMES)
def test_what_a_run_records_makes_the_same_pipeline_again(name):
    pipeline = parse_pipeline({"name": name, "closing_px": 5})
    assert parse_pipeline(json.loads(json.dumps(recorded(pipeline)))) == pipeline


def test_what_is_not_named_is_the_default():
    assert recorded(parse_pipeline({}))["name"] == DEFAULT_PIPELINE
    assert parse_pipeline({"name": "founding", "denoise": "bilateral"}) == Founding(denoise="bilateral")
    assert parse_pipeline(FOUNDING) == Founding()
    assert parse_pipeline({**STANDARD, "level": 0.4, "min_length_px": 7}) == Standard(
        level=0.4, min_length_px=7
    )


@pytest.mark.parametrize("wanted", [{"name": "other"}, {"name": 7}, {"name": "founding", "version": 2}])
def test_an_unknown_pipeline_is_refused(wanted):
    with pytest.raises(PipelineError) as refused:
        parse_pipeline(wanted)
    assert refused.value.code is Code.PIPELINE_UNKNOWN


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "founding", "denoise": "median"},
        {"name": "founding", "denoise": None},
        {"name": "founding", "opening_px": 4},
        {"name": "founding", "closing_px": 0},
        {"name": "founding", "closing_px": True},
        {"name": "founding", "closing_px": 3.0},
        {"name": "founding", "denoise_px": 53},
        {"name": "founding", "level": 0.5},
        {"name": "standard", "threshold": ["otsu"]},
        {"name": "standard", "threshold": "mean"},
        {"name": "standard", "level": 0},
        {"name": "standard", "level": "0.5"},
        {"name": "standard", "level": float("nan")},
        {"name": "standard", "min_length_px": -1},
        {"name": "standard", "min_length_px": None},
        {"name": "standard", "opening_px": 3},
    ],
)
def test_other_parameters_are_refused_by_name(wanted):
    with pytest.raises(PipelineError) as refused:
        parse_pipeline(wanted)
    assert refused.value.code is Code.PIPELINE_PARAMETER_INVALID
    assert list(wanted)[-1] in refused.value.detail
