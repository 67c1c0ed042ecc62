"""docker-compose.yml and the Dockerfile, checked by the real Compose binary."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECRETS = ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY")


def compose(*arguments, **environment):
    """Run docker-compose on a copy of the environment without a developer's own .env file."""
    clean = {name: value for name, value in os.environ.items() if name not in SECRETS}
    return subprocess.run(
        [Path(sys.executable).parent / "docker-compose", "--env-file", os.devnull, *arguments],
        cwd=ROOT, env=clean | environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def config():
    result = compose("config", "--format", "json", **dict.fromkeys(SECRETS, "s3cret"))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_file_is_valid_and_names_every_part(config):
    assert set(config["services"]) == {
        "valkey", "postgres", "seaweedfs", "migrate", "api", "worker", "sweeper", "trainer",
    }  # fmt: skip


@pytest.mark.parametrize("missing", SECRETS)
@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_a_missing_secret_stops_with_a_message(missing, value):
    environment = dict.fromkeys(SECRETS, "s3cret")
    del environment[missing]
    result = compose("config", "-q", **environment, **({} if value is None else {missing: value}))
    assert result.returncode != 0
    assert f"set {missing}, see .env.example" in result.stderr


def test_every_secret_is_listed_in_the_example_and_empty_there():
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert {f"{secret}=" for secret in SECRETS} <= set(lines)


def test_every_long_running_service_restarts_and_every_server_has_a_health_check(config):
    services = config["services"]
    for name, service in services.items():
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped"), name
    for name in ("valkey", "postgres", "seaweedfs", "api", "worker", "trainer"):
        assert services[name]["healthcheck"]["test"], name


def test_services_wait_for_the_one_shot_migration(config):
    for name in ("api", "worker", "sweeper", "trainer"):
        waits = config["services"][name]["depends_on"]
        assert waits["migrate"]["condition"] == "service_completed_successfully", name


def test_data_lies_on_named_volumes(config):
    for name in ("valkey", "postgres", "seaweedfs"):
        kinds = [(mount["type"], mount["source"]) for mount in config["services"][name]["volumes"]]
        assert kinds == [("volume", f"{name}-data")], name


def test_workers_can_be_scaled(config):
    worker = config["services"]["worker"]
    assert "container_name" not in worker  # a second container could not have the same name
    assert "ports" not in worker  # nor the same host port


def test_only_the_api_and_the_storage_are_reachable_from_outside(config):
    published = {name for name, service in config["services"].items() if service.get("ports")}
    assert published == {"api", "seaweedfs"}


def test_compose_and_dockerfile_agree_on_targets_and_copied_folders(config):
    dockerfile = (ROOT / "Dockerfile").read_text()
    targets = set(re.findall(r"^FROM \S+ AS (\w+)", dockerfile, re.M))
    used = {s["build"]["target"] for s in config["services"].values() if "build" in s}
    assert used == {"api", "worker", "trainer"} == targets - {"base"}
    ignored = (ROOT / ".dockerignore").read_text()
    for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.M):
        for source in line.split():
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, source


def test_commands_name_modules_that_exist(config):
    dockerfile = (ROOT / "Dockerfile").read_text()
    commands = dockerfile + json.dumps([s.get("command") for s in config["services"].values()])
    modules = set(re.findall(r"\b((?:api|worker|trainer)\.\w+)", commands))
    assert modules >= {"api.main", "api.seed", "worker.main", "worker.sweeper", "trainer.main"}
    for module in modules:
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists(), module


def test_the_database_is_asked_where_the_one_that_only_prepares_it_does_not_listen(config):
    asked = config["services"]["postgres"]["healthcheck"]["test"]
    assert asked[asked.index("--host") + 1] == "127.0.0.1"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "http://localhost:8333"),
        ({"S3_PORT": "9000"}, "http://localhost:9000"),
        ({"S3_PORT": "9000", "S3_PUBLIC_ENDPOINT_URL": "https://photos.example"}, "https://photos.example"),
    ],
)
def test_clients_are_sent_to_the_port_that_storage_is_published_at(environment, told):
    example = ["--env-file", str(ROOT / ".env.example")]
    result = compose(
        *example, "config", "--format", "json", **dict.fromkeys(SECRETS, "s3cret"), **environment
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["services"]["api"]["environment"]["S3_PUBLIC_ENDPOINT_URL"] == told
