"""Compiled models on disk: made once, checked at each load, made anew when damaged."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.segment.tiny import tiny_model, write_model, write_tiny
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, ConversionError, UnavailableError
from wallscan.segment import compiled
from wallscan.segment.compiled import ENCODER, FACTS, HEAD, TEXT, TOKENIZER, Key
from wallscan.segment.convert import convert
from wallscan.segment.engine import EngineSettings, load_engine


def load(bundle, cache):
    return load_engine(bundle, EngineSettings(cache, "openvino"))


def entry(cache: Path) -> Path:
    (folder,) = cache.glob("compiled-*")
    return folder


@pytest.fixture(scope="module")
def ready(tiny_bundle, tmp_path_factory):
    """The tiny bundle's compiled files, as its conversion leaves them behind."""
    out = tmp_path_factory.mktemp("ready")
    convert(tiny_bundle, out, "f32")
    return out


@pytest.fixture
def conversions(ready, monkeypatch):
    """Conversions of the tiny bundle take no time; the list tells of each."""
    bundles = []

    def copy_ready(bundle, out, precision):
        bundles.append(bundle)
        shutil.copytree(ready, out, dirs_exist_ok=True)

    monkeypatch.setattr(compiled, "_convert", copy_ready)
    return bundles


@pytest.fixture
def made(tiny_bundle, tmp_path, conversions):
    """A cache with the tiny bundle in it."""
    load(tiny_bundle, tmp_path / "cache")
    assert len(conversions) == 1
    return tmp_path / "cache"


def test_a_second_load_converts_nothing_and_reads_no_weights(made, tiny_bundle, tmp_path, conversions, photo):
    alike = tmp_path / "without-weights"
    shutil.copytree(tiny_bundle, alike)
    (alike / "model.safetensors").unlink()
    load(alike, made).probabilities(photo, ["crack"])
    assert len(conversions) == 1


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def drop(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        *((name, cut) for name in (ENCODER, HEAD, TEXT, TOKENIZER, FACTS)),
        *((name, flip_a_bit) for name in (ENCODER, HEAD, TEXT, TOKENIZER)),
        (ENCODER, drop),
        (FACTS, drop),
        (HEAD, empty),
    ],
)
def test_what_is_damaged_is_made_anew(made, tiny_bundle, conversions, photo, name, harm):
    whole = load(tiny_bundle, made).probabilities(photo, ["crack"]).tobytes()
    harm(entry(made) / name)
    assert load(tiny_bundle, made).probabilities(photo, ["crack"]).tobytes() == whole
    assert len(conversions) == 2
    load(tiny_bundle, made)
    assert len(conversions) == 2


def test_another_bundle_runtime_processor_or_precision_is_another_entry():
    key = Key("a", "1", "cpu", "f32")
    others = [Key("b", "1", "cpu", "f32"), Key("a", "2", "cpu", "f32"), Key("a", "1", "gpu", "f32")]
    folders = {one.folder(Path("cache")) for one in (key, *others, Key("a", "1", "cpu", "bf16"))}
    assert len(folders) == 5


def test_a_cache_that_cannot_be_written_is_no_fault_of_the_bundle(tiny_bundle, tmp_path, conversions):
    (tmp_path / "a-file").write_text("in the way")
    with pytest.raises(UnavailableError) as caught:
        load(tiny_bundle, tmp_path / "a-file")
    assert caught.value.code == Code.STORAGE_UNAVAILABLE


_LOAD_WITH_LITTLE_ROOM = """
import resource, sys
from pathlib import Path
from wallscan.domain.errors import UnavailableError
from wallscan.segment.engine import EngineSettings, load_engine
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
try:
    load_engine(Path(sys.argv[1]), EngineSettings(Path(sys.argv[2]), "openvino"))
except UnavailableError as error:
    print(error.code)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_full_disk_is_no_fault_of_the_bundle(tiny_bundle, tmp_path):
    command = [sys.executable, "-c", _LOAD_WITH_LITTLE_ROOM, tiny_bundle, tmp_path]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.stdout.strip() == Code.STORAGE_UNAVAILABLE, told.stderr
    assert list(tmp_path.glob("*compil[ei]*[!k]")) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_conversion_ended_from_outside_is_no_fault_of_the_bundle(
    tiny_bundle, tmp_path, monkeypatch, number
):
    shot = tmp_path / "python"
    shot.write_text(f"#!/bin/sh\nkill -{number} $$\n")
    shot.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(shot))
    with pytest.raises(ConversionError) as caught:
        load(tiny_bundle, tmp_path / "cache")
    assert caught.value.code == Code.CONVERSION_KILLED


def test_a_bundle_is_checked_before_it_is_compiled(tmp_path, conversions):
    bundle = write_tiny(tmp_path / "bundle")
    cut(bundle / "model.safetensors")
    with pytest.raises(BundleError) as caught:
        load(bundle, tmp_path / "cache")
    assert caught.value.code == Code.BUNDLE_CHECKSUM_MISMATCH
    assert conversions == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_conversions_process_blames_the_bundle_by_code(tmp_path):
    model = tiny_model()
    del model.decoder.film_add
    bundle = write_model(tmp_path / "bundle", model)
    with pytest.raises(BundleError, match="film_add") as caught:
        load(bundle, tmp_path / "cache")
    assert caught.value.code == Code.BUNDLE_UNLOADABLE
    assert list((tmp_path / "cache").glob("compiled-*")) == []


_LOAD_WITH_A_SLOW_CONVERSION = """
import os, shutil, sys, time
from pathlib import Path
from wallscan.segment import compiled
from wallscan.segment.convert import convert
from wallscan.segment.engine import EngineSettings, load_engine

bundle, cache, ready, barrier = map(Path, sys.argv[1:])

def convert(bundle, out, precision):
    with (cache / "conversions").open("a") as log:
        log.write("one\\n")
    time.sleep(0.5)
    shutil.copytree(ready, out, dirs_exist_ok=True)

compiled._convert = convert
(barrier / str(os.getpid())).touch()
while len(list(barrier.iterdir())) < 2:
    time.sleep(0.01)
load_engine(bundle, EngineSettings(cache, "openvino"))
"""


_HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(100)
"""


def test_two_processes_at_once_convert_once(ready, tiny_bundle, tmp_path):
    barrier, cache = tmp_path / "barrier", tmp_path / "shared"
    barrier.mkdir()
    cache.mkdir()
    paths = map(str, (tiny_bundle, cache, ready, barrier))
    command = [sys.executable, "-c", _LOAD_WITH_A_SLOW_CONVERSION, *paths]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(280) for process in running] == [0, 0]
    assert (cache / "conversions").read_text() == "one\n"


def test_a_lock_left_by_a_dead_process_holds_up_nobody(made, tiny_bundle, conversions):
    shutil.rmtree(entry(made))
    (lock,) = made.glob(".compiled-*.lock")
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(lock)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
    load(tiny_bundle, made)
    assert len(conversions) == 2


def test_what_a_killed_conversion_left_goes_with_the_next(made, tiny_bundle):
    left = made / ".compiling-killed" / "made"
    left.mkdir(parents=True)
    (left / ENCODER).write_bytes(b"half")
    load(tiny_bundle, made)
    assert left.exists()  # nothing is made, so nothing is tidied
    shutil.rmtree(entry(made))
    load(tiny_bundle, made)
    assert [path.name for path in made.iterdir() if path.is_dir()] == [entry(made).name]


def test_threads_are_the_settings_alone(made, tiny_bundle, photo):
    engines: list[Any] = [
        load_engine(tiny_bundle, EngineSettings(made, "openvino", threads=threads)) for threads in (1, 2)
    ]
    one, two = engines
    for engine, threads in ((one, 1), (two, 2)):
        for request in (engine._graphs._encoder, engine._graphs._head):
            assert request.get_compiled_model().get_property("INFERENCE_NUM_THREADS") == threads
    assert one.probabilities(photo, ["crack"]).tobytes() == two.probabilities(photo, ["crack"]).tobytes()


_LET_GO_AND_TAKE_A_SIGNAL = """
import gc, os, signal, sys
from pathlib import Path
from wallscan.segment.engine import EngineSettings, load_engine
bundle, cache = map(Path, sys.argv[1:])
signal.signal(signal.SIGCHLD, lambda *_: print("taken", flush=True))
first, second = (load_engine(bundle, EngineSettings(cache, "openvino")) for _ in range(2))
del first
gc.collect()
del second
gc.collect()
os.kill(os.getpid(), signal.SIGCHLD)
"""


def test_a_process_that_changed_versions_survives_signals(made, tiny_bundle):
    command = [sys.executable, "-X", "faulthandler", "-c", _LET_GO_AND_TAKE_A_SIGNAL, tiny_bundle, made]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "taken\n")
