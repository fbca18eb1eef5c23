"""The API surfaces we call: which key each takes, which scope that key needs, who makes it and where.

Data for diagnoses and budgets, from reference sections 0.3, 1 and 3.1. A new source starts with a row here.
"""

from dataclasses import dataclass

ENTERPRISE_KEYS = "claude.ai > Organization settings > API"


@dataclass(frozen=True)
class Surface:
    """One API of the vendor as a client sees it.

    `pulled` is what we pull of it; `scopes` are the least that serve us, all of them on one key;
    `requests_per_minute` is the organisation's budget for it, shared by every key; `probes` are the cheapest
    requests that prove the key and its scopes (path, then query, in which `{day}` stands for a UTC day that is
    surely there).
    """

    name: str
    key_setting: str
    scopes: tuple[str, ...]
    makers: str
    requests_per_minute: int
    probes: tuple[tuple[str, str], ...]
    pulled: str
    made_for: str = ""

    @property
    def remedy(self) -> str:
        """What to create where, as one sentence."""
        scopes = " and ".join(f"`{scope}`" for scope in self.scopes)
        noun = "scope" if len(self.scopes) == 1 else "scopes"
        return (
            f"create a Claude Enterprise key (sk-ant-api01-...) with the {noun} {scopes}{self.made_for} at "
            f"{ENTERPRISE_KEYS} (as {self.makers}) and put it where the setting `{self.key_setting}` points"
        )


COMPLIANCE = Surface(
    name="Compliance API",
    key_setting="anthropic.keys.compliance",
    scopes=("read:compliance_activities",),
    makers="primary owner or owner",
    requests_per_minute=600,
    probes=(("/v1/compliance/activities", "limit=1"),),
    pulled="activities",
)

# 60 a minute are granted; the vendor's own advice is to stay at or below 50.
ANALYTICS = Surface(
    name="Analytics API",
    key_setting="anthropic.keys.analytics",
    scopes=("read:analytics",),
    makers="primary owner, with public API access switched on",
    requests_per_minute=50,
    probes=(("/v1/organizations/analytics/users", "date={day}&limit=1"),),
    pulled="usage, cost and engagement",
)

DIRECTORY = Surface(
    name="user management of the Admin API",
    key_setting="anthropic.keys.directory",
    scopes=("read:members", "read:rbac_groups"),
    makers="primary owner",
    requests_per_minute=100,
    probes=(("/v1/organizations/users", "limit=1"), ("/v1/organizations/rbac_groups", "limit=1")),
    pulled="users, groups, API keys and invitations",
    made_for=", made for all linked organisations,",
)

# Part of the Compliance API, with its budget and its footprints. Its scope opens no person's data and no chat.
ORGANIZATION = Surface(
    name="organisation data of the Compliance API",
    key_setting="anthropic.keys.organization",
    scopes=("read:compliance_org_data",),
    makers="primary owner or owner",
    requests_per_minute=600,
    probes=(("/v1/compliance/organizations", "limit=1"),),
    pulled="the settings of the organisations",
)

# Part of the Admin API, with its budget.
SPEND_LIMITS = Surface(
    name="spend limits of the Admin API",
    key_setting="anthropic.keys.spend_limits",
    scopes=("read:spend_limits",),
    makers="primary owner",
    requests_per_minute=100,
    probes=(("/v1/organizations/spend_limits/effective", "limit=1"),),
    pulled="spend limits",
)

SURFACES = (COMPLIANCE, ANALYTICS, DIRECTORY, ORGANIZATION, SPEND_LIMITS)
