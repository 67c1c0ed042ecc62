"""`python -m trainer`: look at data, train, publish a checkpoint, evaluate a bundle."""

import typer

from trainer.commands.data import data
from trainer.commands.evaluate import evaluate
from trainer.commands.train import bundle, scratch, train

app = typer.Typer(no_args_is_help=True, help="Train and evaluate wallscan's models.")
for command in (data, train, scratch, bundle, evaluate):
    app.command()(command)


if __name__ == "__main__":
    app()
