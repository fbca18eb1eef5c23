"""Which slices name a rule: asked by whoever must not wait for an SQL parser to be loaded."""

import re
from typing import Final

RULE: Final = re.compile(
    r"(?:rule:\s*(?P<named>\S+)|(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))", re.IGNORECASE
)


def names_a_rule(text: str) -> bool:
    """Whether a slice is the id of a rule, which only the detections know."""
    return RULE.fullmatch(text.strip()) is not None
