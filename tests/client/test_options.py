import pytest

from wallscan.client.commands.options import postprocess
from wallscan.domain.codes import Code
from wallscan.domain.errors import PipelineError
from wallscan.domain.pipelines import FOUNDING, STANDARD


def test_a_pipeline_is_named_and_its_parameters_are_read_as_what_they_are():
    assert postprocess("founding", None) == FOUNDING
    assert postprocess("standard", ["level=0.4", "threshold=fixed", "closing_px=5"]) == {
        **STANDARD,
        "level": 0.4,
        "threshold": "fixed",
        "closing_px": 5,
    }
    assert postprocess("standard", ["level=null"]) == STANDARD


@pytest.mark.parametrize("parameter", ["level=high", "level", "size=3", "closing_px=4"])
def test_other_parameters_are_refused_before_anything_is_sent(parameter):
    with pytest.raises(PipelineError) as refused:
        postprocess("standard", [parameter])
    assert refused.value.code is Code.PIPELINE_PARAMETER_INVALID


def test_other_pipelines_are_refused():
    with pytest.raises(PipelineError) as refused:
        postprocess("fancy", [])
    assert refused.value.code is Code.PIPELINE_UNKNOWN
