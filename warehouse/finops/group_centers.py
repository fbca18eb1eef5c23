"""Cost centres from the groups of the directory (SCIM): which groups are one, and who was in them when.

Promise: what comes out is a mapping file like the customer's own, so that it is checked, hashed and kept like it;
a person in two such groups at once belongs to the one they came into first. Rule book: finops, section 4.1.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from warehouse.finops import customer_files as files
from warehouse.finops.cost_centers import COLUMNS, UNALLOCATED
from warehouse.finops.shown import shown

_ALL = "*"


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody in a group during `[since, until)`, UTC days; `until` None: still."""

    group_id: str
    user_id: str | None
    user_email: str | None
    since: date
    until: date | None


def read_group_centers(body: bytes, name: str) -> dict[str, str]:
    """Read a file of groups (by name or id) and their centres. Raises FileRefused with every mistake."""
    found = files.Findings(name)
    centers: dict[str, str] = {}
    lines: dict[str, int] = {}
    for row in files.read_rows(body, found, required=("group", "cost_center")):
        if not row["group"]:
            found.add(row.line, "group", "group is empty", "the name or the id of a group of the directory")
        if not row["cost_center"]:
            found.add(row.line, "cost_center", "cost_center is empty", "the name of a cost centre")
        if row["group"] in lines:
            found.add(
                row.line, "twice", f"{files.shown(row['group'])} is in row {lines[row['group']]} already",
                "one row for each group",
            )  # fmt: skip
        lines[row["group"]] = row.line
        centers[row["group"]] = row["cost_center"]
    found.raise_if_any()
    return centers


def centers_of(groups: Iterable[tuple[str, str]], pattern: str, named: Mapping[str, str]) -> dict[str, str]:
    """The centre of each group (id, name) that is one: by the file where it has the id or the name, else by the
    pattern, in which `*` stands for the name of the centre."""
    before, star, after = pattern.partition(_ALL)
    found: dict[str, str] = {}
    for group_id, name in sorted(groups):
        center = named.get(group_id) or named.get(name)
        if center is None and star and name.startswith(before) and name.endswith(after):
            center = name[len(before) : len(name) - len(after)].strip()
        if center and center.casefold() != UNALLOCATED.casefold():
            found[group_id] = shown(center)
    return found


def group_mapping(stays: Iterable[Stay], centers: Mapping[str, str]) -> bytes:
    """The mapping file of the groups that are centres, rows sorted."""
    people: dict[str, list[Stay]] = defaultdict(list)
    for stay in stays:
        if stay.group_id in centers and (stay.user_id or stay.user_email):
            people[stay.user_id or stay.user_email or ""].append(stay)
    rows: list[tuple[str, str, str, str, str]] = []
    for one in sorted(people):
        for stay, begin, end in _one_at_a_time(people[one], centers):
            address = stay.user_email or ""
            rows.append(
                (
                    address if address.count("@") == 1 and "," not in address else "",
                    stay.user_id or "",
                    centers[stay.group_id],
                    begin.isoformat(),
                    end.isoformat() if end < date.max else "",
                )
            )
    return files.csv_bytes(COLUMNS, [[files.Number(cell) for cell in row] for row in rows])


def _one_at_a_time(stays: Sequence[Stay], centers: Mapping[str, str]) -> Iterable[tuple[Stay, date, date]]:
    """The time of one person, each day in one group: the one they came into first, ties by centre."""
    cuts = sorted({day for stay in stays for day in (stay.since, stay.until or date.max)})
    held: list[tuple[Stay, date, date]] = []
    for begin, end in pairwise(cuts):
        inside = [stay for stay in stays if stay.since <= begin and end <= (stay.until or date.max)]
        if not inside:
            continue
        first = min(inside, key=lambda stay: (stay.since, centers[stay.group_id], stay.group_id))
        if held and held[-1][2] == begin and centers[held[-1][0].group_id] == centers[first.group_id]:
            held[-1] = (held[-1][0], held[-1][1], end)
        else:
            held.append((first, begin, end))
    return held
