import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.tiny import Bundle, make_tiny_bundle
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, ConversionError, UnavailableError
from wallscan.segment.engine import Engine, load_engine
from wallscan.storage import keys
from worker.models import Models


class CountingLoad:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder) -> Engine:
        self.calls += 1
        return load_engine(folder)


@pytest.fixture
def stored(bundle: Bundle, store) -> Bundle:
    bundle.upload(store)
    return bundle


def ask(models: Models, bundle: Bundle) -> Engine:
    return models.engine(bundle.digest, json.loads(bundle.manifest.model_dump_json()))


def kept(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if path.is_dir()]


def test_a_bundle_is_fetched_checked_and_loaded_once(stored, store, tmp_path):
    load = CountingLoad()
    models = Models(store, tmp_path, load)
    assert ask(models, stored) is ask(models, stored)
    assert ask(models, stored).manifest == stored.manifest
    assert load.calls == 1
    assert kept(tmp_path) == [stored.digest]


def test_a_second_process_needs_no_storage(stored, store, tmp_path):
    ask(Models(store, tmp_path), stored)
    store.delete_many(store.list(""))
    assert ask(Models(store, tmp_path), stored).manifest == stored.manifest


def test_a_damaged_cache_is_fetched_anew(stored, store, tmp_path):
    ask(Models(store, tmp_path), stored)
    weights = tmp_path / stored.digest / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    ask(Models(store, tmp_path), stored)
    assert weights.read_bytes() == whole


def test_altered_weights_in_storage_are_refused_and_not_kept(stored, store, tmp_path):
    store.put(keys.model_file(stored.digest, "model.safetensors"), b"other", "application/octet-stream")
    with pytest.raises(BundleError) as refused:
        ask(Models(store, tmp_path), stored)
    assert refused.value.code is Code.BUNDLE_CHECKSUM_MISMATCH
    assert kept(tmp_path) == []


def test_a_missing_file_is_named(stored, store, tmp_path):
    store.delete(keys.model_file(stored.digest, "vocab.json"))
    with pytest.raises(BundleError, match="vocab") as refused:
        ask(Models(store, tmp_path), stored)
    assert refused.value.code is Code.BUNDLE_FILE_MISSING


def test_a_manifest_other_than_the_registered_one_is_refused(stored, store, tmp_path):
    manifest = json.loads(stored.manifest.model_dump_json()) | {"default_presence": 0.9}
    with pytest.raises(BundleError) as refused:
        Models(store, tmp_path).engine(stored.digest, manifest)
    assert refused.value.code is Code.BUNDLE_CHECKSUM_MISMATCH


def test_a_manifest_of_an_unknown_format_is_the_bundles_fault(stored, store, tmp_path):
    manifest = json.loads(stored.manifest.model_dump_json()) | {"format_version": 99}
    with pytest.raises(BundleError) as refused:
        Models(store, tmp_path).engine(stored.digest, manifest)
    assert refused.value.code is Code.BUNDLE_MANIFEST_INVALID


def test_a_machine_that_cannot_keep_the_files_is_no_fault_of_the_bundle(stored, store, tmp_path):
    (tmp_path / "a-file").write_text("in the way")
    with pytest.raises(UnavailableError, match="cannot be kept"):
        ask(Models(store, tmp_path / "a-file"), stored)


_FETCH = """
import sys, time
from pathlib import Path
from wallscan.models.cache import scratch
with scratch(Path(sys.argv[1]), "fetching") as bundle:
    (bundle / "model.safetensors").write_bytes(b"half")
    print("fetching", flush=True)
    time.sleep(100)
"""


def test_what_a_killed_fetch_left_goes_with_the_next_fetch(stored, store, tmp_path):
    command = [sys.executable, "-c", _FETCH, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as fetching:
        assert fetching.stdout is not None
        fetching.stdout.readline()
        fetching.kill()
    assert len(kept(tmp_path)) == 1
    ask(Models(store, tmp_path), stored)
    assert kept(tmp_path) == [stored.digest]


def test_a_conversion_that_is_always_killed_becomes_the_bundles_fault_in_the_end(stored, store, tmp_path):
    killed = ConversionError(Code.CONVERSION_KILLED, "killed")
    ends = [killed, killed, None, killed, killed, killed, killed]

    def load(folder):
        end = ends.pop(0)
        if end is not None:
            raise end
        return load_engine(folder)

    def told():
        models._engines.clear()
        try:
            ask(models, stored)
        except (BundleError, ConversionError) as error:
            return type(error), error.code
        return None

    models = Models(store, tmp_path, load)
    again, over = (ConversionError, Code.CONVERSION_KILLED), (BundleError, Code.CONVERSION_KILLED)
    assert [told() for _ in range(7)] == [again, again, None, again, again, over, again]


def test_the_latest_two_versions_stay_loaded(store, tmp_path):
    bundles = []
    for seed in range(3):
        folder = tmp_path / f"made-{seed}"
        bundles.append(Bundle(folder, make_tiny_bundle(folder, seed)))
        bundles[-1].upload(store)
    load = CountingLoad()
    models = Models(store, tmp_path / "cache", load)
    for bundle in (*bundles, bundles[1], bundles[2]):
        ask(models, bundle)
    assert load.calls == 3
    ask(models, bundles[0])
    assert load.calls == 4
