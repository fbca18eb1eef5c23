"""What can go wrong with detections, and what to do about it.

    DetectionError
    ├── RuleInvalid           a rule file that cannot be used: names file, rule and what is wrong with it
    │   └── RuleTooBroad      a rule that would match nearly everything
    ├── RuleUnknown           no rule of that id or title
    ├── SuppressionInvalid    a suppression without a reason, an owner or an end, or for no rule
    ├── ThresholdInvalid      a threshold for no rule, or for one that has no such number
    └── GeoUnusable           the file of addresses and countries is damaged or of another kind

Each message says what happened, to what, and what to do next.
"""


class DetectionError(Exception):
    """The root of the room: catch this to catch all of it. `remedy` says what to do next."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class RuleInvalid(DetectionError):
    """A rule file that cannot be used."""


class RuleTooBroad(RuleInvalid):
    """A rule that would match nearly everything."""


class RuleUnknown(DetectionError):
    """No rule of that id or title."""


class SuppressionInvalid(DetectionError):
    """A suppression without a reason, an owner or an end, or one for no rule."""


class ThresholdInvalid(DetectionError):
    """A threshold for no rule, or for one that has no such number."""


class GeoUnusable(DetectionError):
    """The file of addresses and countries is damaged or of another kind."""
