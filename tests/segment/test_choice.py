"""The precision is decided once a machine, whatever stopwatches say later."""

import json
import subprocess
import sys

import pytest

from wallscan.domain.codes import Code
from wallscan.domain.errors import UnavailableError
from wallscan.models import starter_bundle
from wallscan.segment import openvino_runtime
from wallscan.segment.choice import fastest_here
from wallscan.segment.engine import EngineSettings
from wallscan.segment.openvino_graphs import chosen_precision

BF16_PAYS = {"f32": 4, "bf16": 2, "int8": 4, "int8_bf16": 2}
INT8_PAYS = {"f32": 4, "bf16": 2, "int8": 4, "int8_bf16": 1}
NOTHING_PAYS = {"f32": 4, "bf16": 4, "int8": 4, "int8_bf16": 4}


@pytest.fixture
def stopwatch(monkeypatch):
    """Sets what the next trials take, on a processor that has bf16."""
    monkeypatch.setattr(openvino_runtime, "has_bf16", lambda: True)

    def show(seconds):
        monkeypatch.setattr(openvino_runtime, "product_s", lambda precision, *_: seconds[precision])

    return show


def chosen(cache, admitted=("bf16", "int8"), tokens=484, width=768):
    return fastest_here(cache, frozenset(admitted), tokens, width)


def test_a_later_trial_that_says_otherwise_is_not_heard(stopwatch, tmp_path):
    stopwatch(INT8_PAYS)
    assert chosen(tmp_path / "cache") == "int8_bf16"
    for seconds in (BF16_PAYS, NOTHING_PAYS):
        stopwatch(seconds)
        assert chosen(tmp_path / "cache") == "int8_bf16"
    assert chosen(tmp_path / "another-machine") == "f32"


def test_an_engine_asks_the_same_way(stopwatch, tmp_path):
    def precision(wish):
        return chosen_precision(starter_bundle(), EngineSettings(tmp_path, "openvino", wish))

    stopwatch(BF16_PAYS)
    assert precision("fast") == "bf16"
    stopwatch(NOTHING_PAYS)
    assert (precision("fast"), precision("exact")) == ("bf16", "f32")


def test_another_question_is_another_choice(stopwatch, tmp_path, monkeypatch):
    stopwatch(INT8_PAYS)
    first = {"cache": tmp_path, "admitted": ("bf16", "int8"), "tokens": 484, "width": 768}
    assert chosen(**first) == "int8_bf16"
    stopwatch(NOTHING_PAYS)
    for other in ({"admitted": ("bf16",)}, {"tokens": 483}, {"width": 192}):
        assert chosen(**(first | other)) == "f32"
    with monkeypatch.context() as another:
        another.setattr("wallscan.segment.choice.processor", lambda: "another")
        assert chosen(**first) == "f32"
    with monkeypatch.context() as newer:
        newer.setattr("wallscan.segment.choice.ov.get_version", lambda: "newer")
        assert chosen(**first) == "f32"
    assert chosen(**first) == "int8_bf16"


def cut(data):
    return data[:-2]


def empty(_):
    return b""


def no_object(_):
    return b"[1]"


def another_question(data):
    return json.dumps(json.loads(data) | {"width": 1}).encode()


def not_admitted(data):
    return json.dumps(json.loads(data) | {"precision": "int8"}).encode()


def no_text(data):
    return json.dumps(json.loads(data) | {"precision": ["bf16"]}).encode()


@pytest.mark.parametrize("harm", [cut, empty, no_object, another_question, not_admitted, no_text])
def test_a_damaged_choice_is_made_anew(stopwatch, tmp_path, harm):
    stopwatch(BF16_PAYS)
    assert chosen(tmp_path, ("bf16",)) == "bf16"
    (file,) = tmp_path.glob("precision-*")
    file.write_bytes(harm(file.read_bytes()))
    stopwatch(NOTHING_PAYS)
    assert chosen(tmp_path, ("bf16",)) == "f32"
    stopwatch(BF16_PAYS)
    assert chosen(tmp_path, ("bf16",)) == "f32"


def test_a_cache_that_cannot_be_written_has_its_code(stopwatch, tmp_path):
    (tmp_path / "a-file").write_text("in the way")
    stopwatch(BF16_PAYS)
    with pytest.raises(UnavailableError) as caught:
        chosen(tmp_path / "a-file")
    assert caught.value.code == Code.STORAGE_UNAVAILABLE


_CHOOSE = """
import os, sys, time
from pathlib import Path
from wallscan.segment import openvino_runtime
from wallscan.segment.choice import fastest_here

cache, barrier, bf16 = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])

def product_s(precision, *_):
    time.sleep(0.5)
    return {"f32": 4.0, "bf16": bf16}[precision]

openvino_runtime.has_bf16 = lambda: True
openvino_runtime.product_s = product_s
(barrier / str(os.getpid())).touch()
while len(list(barrier.iterdir())) < 2:
    time.sleep(0.01)
print(fastest_here(cache, frozenset({"bf16"}), 484, 768))
"""


def test_two_processes_at_once_agree_though_their_stopwatches_do_not(tmp_path):
    barrier, cache = tmp_path / "barrier", tmp_path / "cache"
    barrier.mkdir()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _CHOOSE, str(cache), str(barrier), bf16], stdout=subprocess.PIPE, text=True
        )
        for bf16 in ("2", "4")
    ]
    told = [process.communicate(timeout=200)[0].strip() for process in running]
    assert told in (["bf16", "bf16"], ["f32", "f32"])
