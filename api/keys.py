"""API keys from the command line: `python -m api.keys create --name N --scope read`."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.orm import Session

from api.bootstrap import DatabaseSettings
from wallscan.domain.errors import WallscanError
from wallscan.records import keys
from wallscan.records.session import make_engine, transaction

app = typer.Typer(help="Make, list and revoke API keys. Reads DATABASE_URL.", no_args_is_help=True)


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Whose key it is, or what for.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; repeat for several.")],
    site: Annotated[list[UUID] | None, typer.Option(help="Bind it to this site; repeat for several.")] = None,
    expires: Annotated[int | None, typer.Option(min=1, help="Days until it ends; never if left out.")] = None,
) -> None:
    """Make a key and print it, this one time."""
    if site and Scope.ADMIN in scope:
        raise typer.BadParameter(
            "models belong to no site: a key with the scope admin cannot be bound to one"
        )
    expires_at = dt.datetime.now(dt.UTC) + dt.timedelta(days=expires) if expires else None
    with _session() as session:
        typer.echo(keys.issue(session, name, scope, site or (), expires_at))


@app.command(name="list")
def list_keys() -> None:
    """Show all keys: prefix, state, scopes, sites, name."""
    with _session() as session:
        for key in keys.listed(session):
            sites = "all sites" if key.site_ids is None else ",".join(map(str, key.site_ids))
            state = "revoked" if key.revoked_at else _validity(key.expires_at)
            typer.echo(f"{key.prefix}\t{state}\t{','.join(key.scopes)}\t{sites}\t{key.name}")


@app.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="The part of the key between the underscores.")],
) -> None:
    """End a key for good."""
    with _session() as session:
        keys.revoke(session, prefix)


def _validity(expires_at: dt.datetime | None) -> str:
    if expires_at is None:
        return "valid"
    return f"{'expired' if expires_at <= dt.datetime.now(dt.UTC) else 'valid'} until {expires_at:%Y-%m-%d}"


@contextmanager
def _session() -> Iterator[Session]:
    engine = make_engine(DatabaseSettings().database_url)
    try:
        with transaction(engine) as session:
            yield session
    except WallscanError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    finally:
        engine.dispose()


if __name__ == "__main__":
    app()
