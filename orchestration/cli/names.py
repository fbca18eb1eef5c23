"""Names that people type: the known ones, and what to say about one that is not."""

import difflib
from collections.abc import Sequence

from orchestration.cli.failures import CannotRun

ENGAGEMENT = ("engagement_users", "summaries", "skills", "connectors", "plugins", "projects", "artifacts")
DIRECTORY = ("users", "rbac_groups", "api_keys", "invites", "organizations", "spend_limits")
STREAMS = ("activities", "usage", "cost", "legacy_usage", "legacy_cost", *ENGAGEMENT, *DIRECTORY)
# Several streams by one name. The legacy reports are a second source, compared with the first when somebody asks.
GROUPS = {
    "all": ("activities", "usage", "cost", *DIRECTORY, *ENGAGEMENT),
    "engagement": ENGAGEMENT,
    "directory": DIRECTORY,
}
# A group leaves these out where their key is not given, and says so.
OPTIONAL = DIRECTORY


def beginning(typed: str, names: Sequence[str]) -> list[str]:
    """The names that a shell completes what is typed to."""
    return [name for name in names if name.startswith(typed)]


def known(kind: str, name: str, names: Sequence[str]) -> str:
    """`name`, if it is one of `names` (case apart). Raises CannotRun with the nearest names."""
    folded = {candidate.casefold(): candidate for candidate in names}
    if name.casefold() in folded:
        return folded[name.casefold()]
    near = difflib.get_close_matches(name.casefold(), list(folded), n=3)
    suggestion = " or ".join(folded[match] for match in near)
    raise CannotRun(
        f"there is no {kind} {name!r}" + (f". Did you mean {suggestion}?" if near else ""),
        remedy=f"the {kind}s are: {', '.join(names)}",
        kind="name",
    )
