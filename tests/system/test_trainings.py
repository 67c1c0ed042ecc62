"""Annotated photos become a model, by the command line alone."""

import pytest

from tests.system.cli import id_after
from tests.trainer.data import write_data
from tests.trainer.small import small_recipe

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def dataset(shell):
    """The id of a data set that was sent."""
    write_data(shell.folder / "walls", count=4, side=64)
    printed = shell.run("datasets", "add", "walls", "--name", "Mill Lane")
    assert "Data set Mill Lane: stored" in printed
    again = shell.run("datasets", "add", "walls", "--name", "the same")
    assert printed.splitlines()[-1] == again.splitlines()[-1]
    assert "Mill Lane" in shell.run("datasets", "list")
    return printed.rpartition("(")[2].partition(")")[0]


def test_a_folder_becomes_a_model(shell, dataset):
    (shell.folder / "recipe.json").write_text(small_recipe(steps=8).model_dump_json())
    order = ("train", "--recipe", "recipe.json", "--dataset", dataset, "--name", "house/mill-lane")
    printed = shell.run(*order, "--watch")
    training = id_after("Training", printed)
    assert "epoch 2, step 8" in printed
    assert f"Training {training}, house/mill-lane: succeeded, step 8 of 8" in printed
    assert "house/mill-lane" in shell.run("models", "list")
    assert "succeeded" in shell.run("trainings", "list")
    assert "epoch 1, step 4" in shell.run("trainings", "show", str(training))
    assert "training_not_cancellable" in shell.run("trainings", "cancel", str(training), status=2)


def test_what_cannot_be_trained(shell, dataset):
    order = ("train", "--recipe", "starter", "--dataset", dataset, "--name", "house/x")
    assert "request_invalid" in shell.run(*order, "--name", "no such name!", status=2)
    assert "model_unknown" in shell.run(*order, "--base", "house/nothing", status=2)
    assert "recipe_invalid" in shell.run(*order, "--recipe", "no-such", "--watch", status=1)
