"""`python -m trainer`: train, publish a checkpoint, calibrate or evaluate a bundle."""

import typer

from trainer.commands.calibrate import calibrate
from trainer.commands.evaluate import evaluate
from trainer.commands.train import bundle, scratch, train

app = typer.Typer(no_args_is_help=True, help="Train and evaluate wallscan's models.")
for command in (train, scratch, bundle, calibrate, evaluate):
    app.command()(command)


if __name__ == "__main__":
    app()
