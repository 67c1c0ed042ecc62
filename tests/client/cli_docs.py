"""`python -m tests.client.cli_docs` writes every command's help into docs/cli.md, below its introduction."""

import inspect
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from typer.main import get_command

from wallscan.client.main import app

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
MARK = "<!-- From here on written by `python -m tests.client.cli_docs`. -->\n"


def page() -> str:
    """The whole page, as it should be."""
    root: Any = get_command(app)
    introduction = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    sections = [_section(name, command) for name, command in commands("wallscan", root)]
    return "\n".join([introduction + MARK, *sections])


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
    for word, one in (inner or {}).items():
        yield from commands(f"{name} {word}", one)


def _section(name: str, command: Any) -> str:
    arguments = [param for param in command.params if not param.opts[0].startswith("-")]
    options = [param for param in command.params if param.opts[0].startswith("-")]
    usage = " ".join([name, *(_usage(param) for param in arguments)])
    lines = [f"- `{param.metavar}`: {_text(param)}" for param in arguments]
    lines += [f"- `{'`, `'.join(param.opts)}`: {_text(param)}" for param in options]
    listed = [*lines, ""] if lines else []
    return "\n".join([f"## {usage}", "", inspect.cleandoc(command.help), "", *listed])


def _usage(param: Any) -> str:
    return str(param.metavar if param.required else f"[{param.metavar}]")


def _text(param: Any) -> str:
    choices = [one.value for one in _choices(param)]
    listed = f" One of: {', '.join(choices)}." if choices else ""
    default = param.show_default if isinstance(param.show_default, str) else _default(param.default)
    return f"{param.help}{listed}" + (f" Default: {default}." if default else "")


def _choices(param: Any) -> Iterable[Enum]:
    kind = param.type_descriptor.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Enum) else ()


def _default(value: Any) -> str:
    if value is None or value is False or value == []:
        return ""
    return str(value.value if isinstance(value, Enum) else value)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
