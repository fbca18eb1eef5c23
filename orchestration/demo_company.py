"""The pretend customer's own files: who belongs to which cost centre, and the rules for what has no person.

Made from what was pulled of the directory, as a company would from its own: its groups are the cost centres. Who
has left, and who is in no group, is in none: that is what UNALLOCATED is for.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import duckdb

from assets.workshop import PayerFiles

_FROM = "2026-01-01"
# USD for each member of a group and month.
_BUDGET = 55
_GROUPS = """
select u.id, u.email, g.name from directory_users as u
join directory_group_members as m on m.user_id = u.id join directory_groups as g on g.id = m.group_id
order by u.email, u.id, g.name"""
# A key is charged to the centre of the person it acts for.
_KEYS = "select id, principal_id from directory_api_keys where principal_id is not null order by id"

_RULES = """\
# Made by `ledgerline demo`: what has no person behind it. docs/chargeback.md#rules

[[rules]]
id = "service-accounts"
method = "fixed"
weights = {Engineering = "60", Operations = "40"}
where = {actor_kind = "service_account_actor"}

[[rules]]
id = "security-autopatch"
method = "central"
centers = ["Engineering"]
where = {product = "cc_security_autopatch", actor_id = "none"}

[[rules]]
id = "code-execution"
method = "proportional"
driver = "billed_cost"
where = {cost_type = "code_execution", actor_id = "none"}
"""


def write_payers(db: duckdb.DuckDBPyConnection, files: PayerFiles, months: Sequence[str] = ()) -> dict[str, int]:
    """Write `cost_centers.csv`, the rules and a budget for each of the months (`2026-10`) beside the
    configuration; returns how many actors and centres.

    A member of several groups is shared between them in equal percentages that add up to 100.
    """
    centers: dict[str, list[str]] = defaultdict(list)
    emails: dict[str, str] = {}
    for user, email, group in db.execute(_GROUPS).fetchall():
        centers[user].append(group)
        emails[user] = email or ""
    for key, principal in db.execute(_KEYS).fetchall():
        if principal in centers:
            centers[key] = centers[principal]
    rows = [
        (emails.get(actor, ""), actor, center, _FROM, "", percent)
        for actor, names in centers.items()
        for center, percent in zip(names, _shares(len(names)), strict=True)
    ]
    _write(files.cost_centers, ("user_email", "user_id", "cost_center", "valid_from", "valid_to", "percent"), rows)
    if files.rules is not None:
        files.rules.write_text(_RULES, encoding="utf-8")
    members = Counter(center for names in centers.values() for center in names)
    if files.budgets is not None:
        budgets = [
            (center, month, f"{_BUDGET * people}.00", "USD")
            for month in months
            for center, people in sorted(members.items())
        ]
        _write(files.budgets, ("cost_center", "period", "amount", "currency"), budgets)
    return {"actors": len(centers), "centers": len(members)}


def _write(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([header, *rows])
    path.write_text(file.getvalue(), encoding="utf-8")


def _shares(parts: int) -> list[str]:
    """100 in equal percentages of two decimals, the first taking what is left over; empty for one part alone."""
    if parts == 1:
        return [""]
    each = (Decimal(100) / parts).quantize(Decimal("0.01"))
    return [f"{100 - each * (parts - 1)}", *(f"{each}" for _ in range(parts - 1))]
