"""`python -m trainer`: train, publish a checkpoint, evaluate a bundle, admit a faster precision."""

import typer

from trainer.commands.evaluate import evaluate
from trainer.commands.precision import precision
from trainer.commands.train import bundle, scratch, train

app = typer.Typer(no_args_is_help=True, help="Train and evaluate wallscan's models.")
for command in (train, scratch, bundle, evaluate, precision):
    app.command()(command)


if __name__ == "__main__":
    app()
