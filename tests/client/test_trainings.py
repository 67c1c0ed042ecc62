"""Data sets and trainings from the command line, against the real API; the trainer is made up here."""

import json
import threading
import time
import uuid
from contextlib import contextmanager
from typing import get_args

import pytest
from typer.testing import CliRunner

from tests.client.test_datasets import lay
from tests.records.given import data_report, given_model
from tests.records.test_trainings import epoch
from tests.system.cli import id_after
from trainer.recipe import RECIPES, Recipe
from wallscan.client import connect
from wallscan.client.commands import trainings
from wallscan.client.http import Client
from wallscan.client.main import app
from wallscan.domain.codes import Code
from wallscan.records import training_claims
from wallscan.records.session import transaction


@pytest.fixture
def run(api_url, key, monkeypatch, tmp_path):
    """Run `wallscan …`: what it printed, where it ended as it should."""
    monkeypatch.setenv("WALLSCAN_URL", api_url)
    monkeypatch.setenv("WALLSCAN_API_KEY", key)
    monkeypatch.chdir(tmp_path)

    def invoke(*args, status=0):
        result = CliRunner().invoke(app, [*map(str, args)])
        assert result.exit_code == status, result.output
        return result.output

    return invoke


@pytest.fixture
def dataset(run, tmp_path):
    """The id of a data set that was sent."""
    lay(tmp_path / "walls", "cracks/train/1.jpg", "cracks/train/1.xml")
    printed = run("datasets", "add", "walls", "--name", "Mill Lane")
    assert "Data set Mill Lane: stored" in printed
    return printed.rpartition("(")[2].partition(")")[0]


@pytest.fixture
def trainer(engine):
    """Carries out the next training in the background, to the end that it is given."""
    threads = []

    def carry_out(end):
        claim = None
        while claim is None:
            time.sleep(0.05)
            with transaction(engine) as session:
                for message in training_claims.due(session, -1):
                    claim = training_claims.claim(session, message.training_id, "a-trainer", 60)
        for done in (3, 7):
            with transaction(engine) as session:
                ahead = {"what": "Teacher", "done": done, "total": 7}
                training_claims.advance(session, claim, preparation=ahead)
            time.sleep(1.0)  # it is asked for twice a second
        for number in (1, 2):
            now = {"preparation": None, "step": 4 * number, "steps": 8, "eta_s": 1.0}
            with transaction(engine) as session:
                training_claims.advance(session, claim, [epoch(number)], **now)
        end(claim)

    def start(end):
        threads.append(threading.Thread(target=carry_out, args=(end,)))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


def test_the_same_folder_is_sent_once(run, dataset):
    assert f"Data set Mill Lane: stored ({dataset})" in run("datasets", "add", "walls")
    assert "Mill Lane" in run("datasets", "list")


def test_a_training_is_watched_to_its_model(run, dataset, engine, trainer):
    model_id = given_model(engine)

    def succeed(claim):
        with transaction(engine) as session:
            assert training_claims.data_read(session, claim, data_report())
            assert training_claims.finish(session, claim, model_id)

    trainer(succeed)
    order = ("train", "--recipe", "starter", "--dataset", dataset, "--name", "house/mill-lane")
    printed = run(*order, "--watch")
    assert "\nData: 2 photos with 5 outlines\n" in printed
    assert "Teacher: 7 of 7 steps" in printed
    assert "left out" not in printed
    assert "leak" not in printed
    training = id_after("Training", printed)
    assert "epoch 2, step 8: loss 1.000; held out -, IoU 0.500" in printed
    assert f"Training {training}, house/mill-lane: succeeded, step 8 of 8" in printed
    assert str(model_id) in printed
    assert "succeeded" in run("trainings", "list")
    assert "epoch 1, step 4" in run("trainings", "show", training)
    assert "training_not_cancellable" in run("trainings", "cancel", training, status=2)


def test_what_was_left_out_and_what_leaks_is_shown(run, dataset, engine):
    order = ("train", "--recipe", "starter", "--dataset", dataset, "--name", "house/x")
    training = id_after("Training", run(*order))
    assert "Data" not in run("trainings", "show", training)
    with transaction(engine) as session:
        claim = training_claims.claim(session, training, "a-trainer", 60)
        assert claim is not None
        assert training_claims.data_read(session, claim, data_report(left_out=3))
    printed = run("trainings", "show", training)
    leak = "1 share a source photo with training, 0 look like one; 0 share a scene"
    shown = [line for line in printed.splitlines() if not line.startswith("{")]  # the API's own log
    assert shown[1:] == [
        "Data: 2 photos with 5 outlines",
        "  left out: 3 x it cannot be read",
        "    0/a.xml",
        "  used nevertheless: 1 x it was scaled",
        "    0/b.xml",
        f"  crack: 1 of 2 validation photos leak: {leak}",
        "    a.jpg is of b.jpg",
    ]


CLASSES = {"families": {"drywall joint": {"classes": ["*fuge*"]}, "crack": {"classes": ["*riß*"]}}}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(CLASSES, indent=2),
        "families:\n  drywall joint: {classes: ['*fuge*']}  # YAML\n  crack: {classes: ['*riß*']}\n",
    ],
)
def test_an_order_tells_what_to_make_of_the_data(run, client, dataset, tmp_path, text):
    (tmp_path / "classes").write_text(text, encoding="utf-8")
    chosen = ("--recipe", "starter", "--split", "scenes", "--classes", "classes", "--licence", "CC0-1.0")
    named = ("--attribution", "a house", "--attribution", "another")
    printed = run("train", "--dataset", dataset, "--name", "house/x", *chosen, *named)
    made = client.training(id_after("Training", printed))
    assert (made.split, made.licence, made.attribution) == ("scenes", "CC0-1.0", ["a house", "another"])
    assert (made.classes, list(made.classes["families"])) == (CLASSES, ["drywall joint", "crack"])


def test_one_that_fails_says_why(run, dataset, engine, trainer):
    def fail(claim):
        with transaction(engine) as session:
            assert training_claims.fail(session, claim, Code.RECIPE_INVALID, "stages: missing")

    trainer(fail)
    order = ("train", "--recipe", "starter", "--dataset", dataset, "--name", "house/x")
    assert "stages: missing [recipe_invalid]" in run(*order, "--watch", status=1)


def test_without_watching_it_may_be_cancelled(run, dataset, tmp_path):
    (tmp_path / "recipe.json").write_text('{"stages": []}')
    (tmp_path / "starter").write_text("no recipe, though it is called as a shipped one")
    for recipe in ("recipe.json", "starter"):
        printed = run("train", "--recipe", recipe, "--dataset", dataset, "--name", "house/x")
        assert "queued" in printed
        assert f"The training goes on: wallscan trainings show {id_after('Training', printed)}" in printed
        assert "cancelled" in run("trainings", "cancel", id_after("Training", printed))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--name", "no such name!"], "request_invalid"),
        (["--base", "house/nothing"], "model_unknown"),
        (["--dataset", uuid.UUID(int=0)], "dataset_unknown"),
        (["--recipe", "broken.json"], "recipe_invalid"),
        (["--recipe", "list.json"], "recipe_invalid"),
        (["--recipe", "nowhere.json"], "recipe_invalid"),
        (["--recipe", "x" * 5000], "request_invalid"),
        (["--classes", "broken.json"], "classes_invalid"),
        (["--classes", "list.json"], "classes_invalid"),
        (["--classes", "nowhere.yaml"], "classes_invalid"),
        (["--classes", "date.yaml"], "request_invalid"),
        (["--licence", ""], "request_invalid"),
    ],
)
def test_an_order_that_cannot_be_carried_out(run, dataset, tmp_path, options, code):
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "date.yaml").write_text("families: 2026-01-02")
    order = ("train", "--recipe", "starter", "--dataset", dataset, "--name", "house/x")
    assert code in run(*order, *options, status=2)


@pytest.mark.parametrize("recipe", [None, "full", "cached", "own.json"])
def test_a_recipe_that_starts_from_a_model_is_refused_without_one_before_anything_is_asked(
    run, monkeypatch, tmp_path, recipe
):
    monkeypatch.setenv("WALLSCAN_URL", "http://127.0.0.1:9")
    (tmp_path / "own.json").write_text('{"kind": "decoder", "stages": []}')
    chosen = () if recipe is None else ("--recipe", recipe)
    order = ("train", "--dataset", uuid.UUID(int=1), "--name", "house/x", *chosen)
    assert "--base [recipe_invalid]" in run(*order, status=2)


def test_the_recipes_that_start_from_a_model_are_those_that_the_trainer_refuses_without():
    for path in RECIPES.glob("*.json"):
        recipe = Recipe.model_validate_json(path.read_bytes())
        starts_from_one = path.stem in trainings._FROM_A_BASE
        assert starts_from_one is (recipe.kind != "scratch")
    kinds = get_args(Recipe.model_fields["kind"].annotation)
    assert set(kinds) - {"scratch"} == set(trainings._FROM_A_BASE)


@pytest.fixture
def private(client, monkeypatch):
    """Commands meet the API as their private stack."""

    @contextmanager
    def stack(*_, **__):
        yield client

    monkeypatch.delenv("WALLSCAN_URL")
    monkeypatch.setattr(connect, "_private", stack)


def test_a_private_stack_s_training_is_not_said_to_go_on_by_itself(run, dataset, private, monkeypatch):
    order = ("train", "--recipe", "starter", "--dataset", dataset, "--name", "house/x")
    printed = run(*order)
    training = id_after("Training", printed)
    told = f"It goes on when `wallscan trainings show {training} --wait` runs."
    assert told in printed

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "watch_training", lambda *_: iter(interrupted, None))
    assert told in run("trainings", "show", training, "--wait", status=130)
