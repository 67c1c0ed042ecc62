import subprocess
import sys
from pathlib import Path

import pytest

from wallscan.models.cache import locked, scratch

_HOLD = """
import sys, time
from pathlib import Path
from wallscan.models.cache import scratch
with scratch(Path(sys.argv[1]), sys.argv[2]) as folder:
    (folder / "half").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(100)
"""


@pytest.fixture
def elsewhere(tmp_path):
    """Starts another process that makes something in the cache; gives it and its folder."""
    started = []

    def start(purpose):
        command = [sys.executable, "-c", _HOLD, str(tmp_path), purpose]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    yield start
    for process in started:
        process.kill()
        process.wait()


def folders(cache):
    return [path for path in cache.iterdir() if path.is_dir()]


def test_a_scratch_folder_is_empty_in_the_cache_and_gone_afterwards(tmp_path):
    with scratch(tmp_path, "compiling") as folder:
        assert list(folder.iterdir()) == []
        assert tmp_path in folder.parents
        (folder / "file").write_text("x")
    assert folders(tmp_path) == []


def test_it_is_gone_after_an_error_and_after_its_content_was_moved(tmp_path):
    with pytest.raises(KeyError), scratch(tmp_path, "fetching"):
        raise KeyError
    with scratch(tmp_path, "fetching") as folder:
        folder.rename(tmp_path / "kept")
    assert folders(tmp_path) == [tmp_path / "kept"]


@pytest.mark.parametrize("next_purpose", ["compiling", "fetching"])
@pytest.mark.parametrize("purpose", ["compiling", "fetching"])
def test_what_a_killed_process_left_goes_with_the_next(tmp_path, elsewhere, purpose, next_purpose):
    process, folder = elsewhere(purpose)
    process.kill()
    process.wait()
    assert (folder / "half").exists()
    with scratch(tmp_path, next_purpose):
        assert not folder.parent.exists()


def test_what_a_living_process_works_in_stays(tmp_path, elsewhere):
    _, folder = elsewhere("fetching")
    with scratch(tmp_path, "compiling"):
        assert (folder / "half").exists()


def test_a_folder_without_a_lock_is_left_behind(tmp_path):
    (tmp_path / ".compiling-abc" / "compiled").mkdir(parents=True)
    (tmp_path / "compiled-abc").mkdir()
    with scratch(tmp_path, "compiling"):
        pass
    assert folders(tmp_path) == [tmp_path / "compiled-abc"]


_WAIT = """
import sys
from pathlib import Path
from wallscan.models.cache import locked
print("asked", flush=True)
with locked(Path(sys.argv[1])):
    print("held", flush=True)
"""


def test_others_wait_for_the_lock(tmp_path):
    with locked(tmp_path / "lock"):
        command = [sys.executable, "-c", _WAIT, str(tmp_path / "lock")]
        other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "asked\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(1)
    assert other.communicate(timeout=60)[0] == "held\n"
