"""What the stack needs of this machine, asked before anything is started: all that lacks is told at once."""

from collections.abc import Callable
from importlib.util import find_spec

from sandbox.servers import Missing, postgresql, programs, trino, versitygw

# a library of ours, and the extra that brings it
_EXTRAS = {"boto3": "aws", "dagster_postgres": "postgres", "trino": "trino", "dbt.adapters.trino": "trino"}


def missing() -> list[str]:
    """What is not here, one text each, with how to have it; empty when the stack can be started."""
    asked: list[Callable[[], object]] = [postgresql.installed, _s3, trino.java, trino.maven]
    found = [text for text in map(_lacks, asked) if text is not None]
    extras = sorted({extra for library, extra in _EXTRAS.items() if not _installed(library)})
    if extras:
        found.append(f"libraries of Python are missing: make install EXTRAS={','.join(extras)}")
    return found


def _lacks(ask: Callable[[], object]) -> str | None:
    try:
        ask()
    except Missing as lacking:
        return str(lacking)
    return None


def _s3() -> None:
    if programs.kept(versitygw.MODULE, versitygw.VERSION) is None:
        programs.go_for(versitygw.MODULE, versitygw.VERSION)


def _installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:
        return False
