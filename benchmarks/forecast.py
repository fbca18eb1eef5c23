"""Back-test: forecasts of month ends beside the naive one, and planted anomalies found, over the tenant's ledger.

Promise: what is forecast is not looked at before; what is planted is drawn with a fixed seed.
"""

import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from benchmarks.report import Aim, Table
from sandbox import Tenant
from warehouse.finops.anomalies import anomalies
from warehouse.finops.forecast import SETTLING_DAYS, forecast, mape
from warehouse.finops.money import ZERO
from warehouse.finops.periods import Period

Days = Mapping[date, Decimal]
FIRST = date(2026, 1, 1)
_KNOWN = (8, 15, 22)
_TIMES = (3, 6, 12)
_SEED = 11
_MEASURES = """\
{users} people over {months} months, as the tenant's own ledger has them; a centre is a department, so there
are {centers} centres. For each month from the third on, the days before the {known} are known, and the month
end is forecast from them and the eight weeks before. *Naive* is the average day so far times the days of the
month. MAPE is the mean absolute error in percent of what the month came to; *in interval*, how often that lay
between low and high (meant: 80 %)."""
_PLANTED = """\
The same days by centre. {plants} days are made dearer by a factor, one after the other, each alone, among those
whose day then is at least 50 USD above. A false alarm is a day that is listed though nothing was planted: the
tenant has dear days of its own, so not each of them is one."""


def measure(*, smoke: bool) -> list[Table]:
    users, months, plants = (12, 4, 10) if smoke else (120, 11, 200)
    last = Period(2026, months)
    centers = _daily(users, last)
    everything: dict[date, Decimal] = defaultdict(Decimal)
    for days in centers.values():
        for day, amount in days.items():
            everything[day] += amount
    return [
        _forecasts({"all": everything}, centers, users, months),
        _anomalies(centers, last, plants),
    ]


def _daily(users: int, last: Period) -> dict[str, Days]:
    """Dollars by department and day; what no member of a department used is one more."""
    tenant = Tenant(seed=23, users=users, days=1, clock=f"{last.end + timedelta(days=40)}T10:00:00Z")
    departments = {
        person.user_id: person.department
        for week in range((last.end - FIRST).days // 7 + 1)
        for person in tenant.world.people.on(FIRST + timedelta(weeks=week))
    }
    found: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for key, money in tenant.spend.totals(FIRST, last.end, ("day", "actor")).items():
        day, actor = key
        found[departments.get(str(actor), "machines")][date.fromisoformat(str(day))] += Decimal(
            money.amount
        ).scaleb(-8)
    return {name: dict(days) for name, days in sorted(found.items())}


def _forecasts(whole: Mapping[str, Days], centers: Mapping[str, Days], users: int, months: int) -> Table:
    table = Table(
        "Forecast of the month end",
        ["known before day", "of", "months", "ours: MAPE %", "naive: MAPE %", "in interval %"],
        measures=_MEASURES.format(users=users, months=months, centers=len(centers), known="8th, 15th or 22nd"),
        reads="How much a few days of the month say about its level was set on a tenant of another seed.",
    )
    for known in _KNOWN:
        for name, series in (("the whole tenant", whole), ("each centre", centers)):
            ours, naive, inside = [], [], 0
            for days in series.values():
                for month in range(3, months + 1):
                    period = Period(2026, month)
                    truth = sum((days.get(day, ZERO) for day in period.days), ZERO)
                    begin = period.start.replace(day=known)
                    cut = begin + timedelta(days=SETTLING_DAYS)
                    seen = {day: amount for day, amount in days.items() if day < begin}
                    made = forecast(period, seen, cut)
                    ours.append((made.month_end, truth))
                    naive.append((made.naive, truth))
                    inside += made.low <= truth <= made.high
            misses = [float(mape(one) or 0) for one in (ours, naive)]
            table.rows.append((f"{known}", name, len(ours), *misses, 100 * inside / len(ours)))
    best, worst = (float(table.rows[2][at]) for at in (3, 4))
    table.aims.append(
        Aim("Ours against the naive forecast, whole tenant at mid-month", best / (worst or 1), 1.0, at_most=True)
    )
    return table


def _anomalies(centers: Mapping[str, Days], last: Period, plants: int) -> Table:
    draw = random.Random(_SEED)
    begin = FIRST + timedelta(weeks=9)
    looked_at = [begin + timedelta(days=number) for number in range((last.end - begin).days)]
    quiet = {name: {one.day for one in anomalies(name, days, looked_at)} for name, days in centers.items()}
    alarms = sum(len(days) for days in quiet.values())
    table = Table(
        "Anomalies",
        ["a day made dearer by", "planted", "found", "found %"],
        measures=_PLANTED.format(plants=plants),
        reads=f"Nothing planted: {alarms} of {len(looked_at) * len(centers):,} days of centres are listed.",
    )
    for times in _TIMES:
        planted = found = tries = 0
        while planted < plants and tries < plants * 50:
            tries += 1
            name, day = draw.choice(sorted(centers)), draw.choice(looked_at)
            usual = centers[name].get(day, ZERO)
            if usual * (times - 1) < 50 or day in quiet[name]:
                continue
            planted += 1
            dearer = {**centers[name], day: usual * times}
            found += any(one.day == day for one in anomalies(name, dearer, [day]))
        table.rows.append((f"{times}x", planted, found, 100 * found / planted if planted else 0))
    return table
