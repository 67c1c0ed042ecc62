"""What a worker imports, and when; which settings reach the engine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wallscan.models import bundle_digest, starter_bundle
from wallscan.models.files import read_manifest
from wallscan.segment.engine import EngineSettings
from wallscan.storage import S3Settings
from worker import resources
from worker.resources import PerProcess, WorkerSettings

REPOSITORY = Path(__file__).parents[2]

_WARM_UP = """
import sys
from celery.signals import worker_process_init

def heavy():
    return [name for name in ("torch", "transformers", "openvino", "skimage") if name in sys.modules]

import worker.main
print(heavy())
worker_process_init.send(None)
print(heavy())
warm = set(sys.modules)

from pathlib import Path
from wallscan.domain.pipelines import FOUNDING
from wallscan.models import starter_bundle
from wallscan.segment.engine import EngineSettings, load_engine
from worker.pipeline import analyse
engine = load_engine(starter_bundle(), EngineSettings(Path(sys.argv[1]), "openvino"))
seen = analyse(Path(sys.argv[2]).read_bytes(), ("crack", "drywall joint"), engine, FOUNDING)
print(any(finding.measurements.length_px for finding in seen.findings))
print({name.partition(".")[0] for name in set(sys.modules) - warm} - set(sys.stdlib_module_names))
"""


@pytest.fixture
def env(tmp_path) -> dict[str, str]:
    """Settings of a worker whose storage does not answer and whose cache holds the shipped model."""
    digest = bundle_digest(read_manifest(starter_bundle()))
    shutil.copytree(starter_bundle(), tmp_path / digest)
    return {
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/none",
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "S3_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "WALLSCAN_MODEL_CACHE": str(tmp_path),
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_parent_imports_no_engine_and_a_warm_child_all_that_a_photo_needs_but_torch(env):
    cracked = REPOSITORY / "samples/photos/lobby-north/2.jpg"
    done = subprocess.run(
        [sys.executable, "-c", _WARM_UP, env["WALLSCAN_MODEL_CACHE"], cracked],
        env={**os.environ, **env, "WALLSCAN_ENGINE": "openvino"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    told = done.stdout.splitlines()
    assert told == ["[]", "['openvino', 'skimage']", "True", "set()"], done.stderr


def test_the_settings_reach_the_engine(env, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(resources, "load_engine", lambda _, settings: asked.append(settings))
    wishes = {"WALLSCAN_ENGINE": "torch", "WALLSCAN_PRECISION": "exact", "WALLSCAN_THREADS": "3"}
    for name, value in (env | wishes).items():
        monkeypatch.setenv(name, value)
    made = PerProcess(WorkerSettings(), S3Settings())()
    manifest = read_manifest(starter_bundle())
    made.models.engine(bundle_digest(manifest), manifest.model_dump(mode="json"))
    assert asked == [EngineSettings(tmp_path, "torch", "exact", 3)]
