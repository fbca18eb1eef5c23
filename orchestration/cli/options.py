"""What every command shares, written once: its options, and how its help is made from its docstring."""

import inspect
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperOption

_CONFIG_HELP = "The configuration file. Default: $LEDGERLINE_CONFIG, else ./ledgerline.toml."
JSON = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout; progress and log go to stderr.")
]
CONFIG = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="PATH",
        help=_CONFIG_HELP,
        show_default=False,
    ),
]
DEBUG = Annotated[
    bool, typer.Option("--debug", help="When something unexpected happens, show the whole traceback.")
]


def add_config(parser: ArgumentParser) -> None:
    """The same option for a program beside the command line."""
    parser.add_argument("--config", metavar="PATH", type=Path, help=_CONFIG_HELP)


class _Command(TyperCommand):
    """A command whose help names no types of Python's: flags have no value, files are files."""

    def get_params(self, ctx: Any) -> Any:
        params = super().get_params(ctx)
        for param in params:
            if getattr(param, "is_bool_flag", False) and param.metavar is None:
                param.metavar = ""
            elif isinstance(param, TyperOption) and param.metavar is None and param.bare_type() == "str":
                param.metavar = "TEXT"
            elif isinstance(param, TyperArgument):  # its name says what it is
                setattr(param, "display_type_rich", lambda ctx: None)  # noqa: B010
        return params


def add_command(app: typer.Typer, name: str, function: Callable[..., int], examples: dict[str, str]) -> None:
    """Add a command. Its help is its docstring; `examples` are command lines, each with what it is for."""
    app.command(name, cls=_Command, help=reflowed(function.__doc__ or ""), epilog=epilog(examples))(function)


def reflowed(text: str) -> str:
    """A docstring with each paragraph on one line, so that the terminal's width breaks it and not ours."""
    return "\n\n".join(escape(" ".join(part.split())) for part in inspect.cleandoc(text).split("\n\n"))


def escape(text: str) -> str:
    """The text with its brackets as brackets, not as markup."""
    return text.replace("[", "\\[")


def epilog(examples: dict[str, str]) -> str:
    """Examples for the end of a help text: each with its purpose as a comment above it."""
    lines = [f"[dim]# {escape(purpose)}[/dim]\n{escape(line)}" for line, purpose in examples.items()]
    return "\n".join(["[bold]Examples[/bold]", *lines])
