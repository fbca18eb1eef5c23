"""The interactive shell of `ledgerline sql`: statements end with `;`, history stays in memory."""

import contextlib
import sys

from orchestration.cli.failures import CannotRun
from orchestration.cli.sql_answers import Questions

_HELP = """\
End a statement with ; and press Enter. Only SELECT and EXPLAIN are answered.
  .tables         the tables and views
  .schema NAME    the columns of one
  .help           this text
  .quit           leave (so does Ctrl-D); Ctrl-C drops what you are typing"""
_TABLES = (
    "select table_name, table_type from information_schema.tables where table_catalog = 'memory' order by all"
)


def shell(questions: Questions) -> None:
    """Read, answer, repeat, until the end of input. Errors are shown and forgotten."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401, PLC0415  (gives `input` line editing and a history that no file keeps)
    print("Ledgerline SQL. Statements end with ;   .help for help, .quit to leave.", file=sys.stderr)
    typed = ""
    while True:
        try:
            line = input("       ...> " if typed else "ledgerline> ")
            if not typed and line.strip().startswith("."):
                if not _command(line.split(), questions):
                    return
                continue
            typed = f"{typed}\n{line}" if typed else line
            if not typed.strip():
                typed = ""
            elif typed.rstrip().endswith(";") and _is_complete(typed, questions):
                statement, typed = typed, ""
                questions.answer(statement)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print("^C")
            typed = ""
        except (CannotRun, RuntimeError) as error:  # RuntimeError: the engine was interrupted by Ctrl-C
            print(error, file=sys.stderr)
            typed = ""


def _is_complete(typed: str, questions: Questions) -> bool:
    """Whether a final `;` ends a statement, and does not stand in an open text or comment."""
    try:
        questions.parsed(typed)
    except CannotRun as error:
        return "unterminated" not in str(error)
    return True


def _command(words: list[str], questions: Questions) -> bool:
    """A word that begins with a dot. False to leave."""
    name, arguments = words[0].casefold(), words[1:]
    if name in (".quit", ".exit", ".q"):
        return False
    if name == ".tables":
        questions.answer(_TABLES)
    elif name == ".schema" and arguments:
        quoted = arguments[0].replace('"', '""')
        questions.answer(f'select column_name, column_type from (describe "{quoted}")')  # noqa: S608
    else:
        print(_HELP)
    return True
