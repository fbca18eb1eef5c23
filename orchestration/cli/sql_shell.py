"""The interactive shell of `ledgerline sql`: statements end with `;`, history stays in memory."""

import contextlib
import sys
from difflib import get_close_matches

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
            if not typed and (words := _words_of_command(line)):
                if not _command(words, questions):
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


def answer_all(text: str, questions: Questions, *, single: bool) -> None:
    """Answer what is piped: statements, and before, between or after them lines that begin with a dot."""
    statements = ""
    for line in text.split("\n"):
        if line.startswith(".") and not single and (not statements.strip() or statements.rstrip().endswith(";")):
            if statements.strip():
                questions.answer(statements)
            statements = ""
            if not _command(line.split(), questions):
                return
        else:
            statements += line + "\n"
    if statements.strip() or not text.strip() or single:
        questions.answer(statements, single=single)


def _words_of_command(line: str) -> list[str]:
    """The words of a line that is for the shell, the words that people try to leave with among them."""
    bare = line.strip().rstrip(";").casefold()
    if bare in ("quit", "exit", "help", "\\q"):
        return [f".{bare.lstrip(chr(92))}"]
    return line.split() if line.strip().startswith(".") else []


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
        name = arguments[0].strip('";')
        known = [row[0] for row in questions.db.execute(f"select table_name from ({_TABLES})").fetchall()]  # noqa: S608
        if name not in known:
            near = get_close_matches(name, known)
            raise CannotRun(
                f"there is no table {name!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""),
                remedy=".tables lists them",
                kind="sql",
            )
        quoted = name.replace('"', '""')
        questions.answer(f'select column_name, column_type from (describe "{quoted}")')  # noqa: S608
    else:
        print(_HELP)
    return True
