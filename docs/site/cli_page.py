"""The reference of the command line, made from the commands themselves.

Promise: nothing in it is written by hand, and a test holds the page to the commands.
"""

import re
from collections.abc import Iterator
from typing import Any

import typer

from orchestration.cli.app import app

# What every command has, said once at the top.
SHARED = ("--config", "--json", "--debug", "--help")
_MARKUP = re.compile(r"(?<!\\)\[/?(?:bold|dim)\]")


def written(made: str) -> str:
    """The whole page; `made` says by which command, and stands below its title."""
    commands = list(_commands(typer.main.get_command(app), ()))
    lines = [
        "# Command line",
        "",
        made,
        "",
        "Every command, its arguments and its options, as `--help` says them. All in one table:",
        "[the commands](../operations.md#the-commands).",
        "",
        "Exit codes: 0 done, 1 done with findings or failures that are listed, 2 could not run (usage,",
        "configuration, access), 130 interrupted. What each error means: [errors](../operations.md#errors).",
        "",
        "Options that every command has, unless it says otherwise:",
        "",
        "| option | does |",
        "| --- | --- |",
        "| `--config PATH` | The configuration file. Default: `$LEDGERLINE_CONFIG`, else `./ledgerline.toml` |",
        "| `--json` | One JSON document on stdout; progress and log go to stderr |",
        "| `--debug` | When something unexpected happens, shows the whole traceback |",
        "| `--help`, `-h` | The help, with examples |",
        "",
        "`ledgerline --version` tells the version; `ledgerline --install-completion` and `--show-completion` are",
        "for the shell's completion.",
        "",
    ]
    lines += [f"- [`ledgerline {' '.join(words)}`](#ledgerline-{'-'.join(words)})" for words, _ in commands]
    for words, command in commands:
        lines += ["", *_section(words, command)]
    return "\n".join(lines) + "\n"


def _commands(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command that does something, by its words, in the order of the help."""
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            yield from _commands(command, (*words, name))
        elif not command.hidden:
            yield (*words, name), command


def _section(words: tuple[str, ...], command: Any) -> Iterator[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    own = [one for one in options if not set(one.opts) & set(SHARED)]
    shared = {name for one in options for name in one.opts}
    usage = " ".join([*words, *(_argument(one) for one in arguments), *(["[OPTIONS]"] if own else [])])
    yield f"## ledgerline {' '.join(words)}"
    yield ""
    yield from ["```", f"ledgerline {usage}", "```", ""]
    yield _plain(command.help or "").replace("<", "&lt;")
    if "--config" not in shared:
        yield from ["", "Takes no `--config`."]
    if arguments or own:
        yield from ["", "| argument or option | meaning |", "| --- | --- |"]
    for one in arguments:
        yield f"| `{_name(one)}` | {_cell(one.help or '')} |"
    for one in own:
        yield f"| {_option(one)} | {_cell(one.help or '')}{_default(one)} |"
    examples = _examples(command.epilog or "")
    if examples:
        width = max(len(line) for line, _ in examples)
        yield from ["", "```", *(f"{line:{width}}  # {purpose}" for line, purpose in examples), "```"]


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper()).strip("[].")


def _argument(argument: Any) -> str:
    name = _name(argument) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    metavar = "" if option.is_flag else f" {option.metavar or _kind(option)}"
    again = " (may be given several times)" if option.multiple else ""
    return ", ".join(f"`{name}{metavar}`" for name in option.opts) + again


def _kind(option: Any) -> str:
    return "N" if option.bare_type() in ("int", "float") else "TEXT"


def _default(option: Any) -> str:
    if option.is_flag or option.default in (None, "", (), []) or not option.show_default:
        return ""
    return f". Default: `{option.default}`"


def _examples(epilog: str) -> list[tuple[str, str]]:
    """Command lines with their purpose, out of the end of a help text."""
    lines = [_plain(line) for line in epilog.split("\n")[1:]]
    return [(line, purpose.removeprefix("# ")) for purpose, line in zip(lines[::2], lines[1::2], strict=True)]


def _plain(text: str) -> str:
    return _MARKUP.sub("", text).replace("\\[", "[")


def _cell(text: str) -> str:
    return " ".join(_plain(text).split()).replace("|", "\\|").replace("<", "&lt;").rstrip(".")
