"""`python -m trainer`: look at data; train, publish, calibrate, evaluate and compare models."""

import typer

from trainer.commands.calibrate import calibrate
from trainer.commands.compare import compare
from trainer.commands.data import data
from trainer.commands.evaluate import evaluate
from trainer.commands.precision import precision
from trainer.commands.train import bundle, scratch, train

app = typer.Typer(no_args_is_help=True, help="Train and evaluate wallscan's models.")
for command in (data, train, scratch, bundle, calibrate, evaluate, compare, precision):
    app.command()(command)


if __name__ == "__main__":
    app()
