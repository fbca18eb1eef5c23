"""From users and events a day to objects, bytes, requests and money a month.

Promise: each line says its quantity, its price and how it was reckoned; the total is the sum of the lines, to the
cent. It is an estimate for a month of the year that is asked about; nothing of a vendor's free tier is taken off.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal

from warehouse.capacity.prices import Prices

_DAYS: Final = Decimal(365) / 12
_HOURS: Final = Decimal(730)
_GB: Final = Decimal(10**9)
_CENT: Final = Decimal("0.01")
_GLACIER_AFTER: Final = 3  # months; as in deploy/aws/archive.tf
_MARTS_DAYS: Final = 7  # of events that a nightly build reads again

Compute = Literal["dagster", "lambda"]


@dataclass(frozen=True)
class Demand:
    """What is asked of the installation. `months`: how long it has run; `questions`: of auditors in a month, each
    over `question_days`; `siem_gb`: the price of a gigabyte in the customer's SIEM, by a name of the customer's,
    and `siem_share` the part of all events that is sent there."""

    users: int
    events_per_day: int
    months: int = 12
    questions: int = 200
    question_days: int = 90
    compute: Compute = "dagster"
    siem_gb: Mapping[str, Decimal] | None = None
    siem_share: Decimal = Decimal("0.05")


@dataclass(frozen=True)
class Line:
    """One cost: `amount` = `quantity` x `price`, rounded to the cent once."""

    what: str
    quantity: Decimal
    unit: str
    price: Decimal
    amount: Decimal
    how: str


@dataclass(frozen=True)
class Model:
    """`volume`: objects, bytes and requests; `lines` and `total`: money a month; `siem`: beside it, all events and
    the slice that Ledgerline sends, by the customer's name of the price."""

    demand: Demand
    prices: Prices
    volume: Mapping[str, Decimal]
    lines: tuple[Line, ...]
    siem: Mapping[str, tuple[Decimal, Decimal]]

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))


def estimate(demand: Demand, prices: Prices) -> Model:
    """The model of an installation after `demand.months` months."""
    volume = _volume(demand, prices.size)
    lines = tuple(_lines(demand, prices, volume))
    daily_gb = volume["siem_gb_per_month"]
    siem = {
        name: (_cents(daily_gb * price), _cents(daily_gb * demand.siem_share * price))
        for name, price in (demand.siem_gb or {}).items()
    }
    return Model(demand, prices, volume, lines, siem)


def _volume(demand: Demand, size: Mapping[str, Decimal]) -> dict[str, Decimal]:
    events, months = Decimal(demand.events_per_day), Decimal(demand.months)
    commits = size["tail_commits_per_day"] + size["other_commits_per_day"]
    # a commit of many events has more than one page, and none has fewer
    further_pages = max(Decimal(0), events / size["page_events"] - size["tail_commits_per_day"])
    puts = commits * size["puts_per_commit"] + further_pages
    spend = demand.users * size["spend_rows_per_user_and_day"] * size["spend_bytes_per_row"] * 2
    page_bytes = events * size["page_bytes_per_event"] + spend / 2
    table_bytes = events * size["table_bytes_per_event"] + spend / 2
    log_bytes = puts * size["small_object_bytes"]
    lately = min(months, Decimal(_GLACIER_AFTER))
    return {
        "commits_per_day": commits,
        "puts_per_day": puts,
        "gets_per_day": commits * size["gets_per_commit"],
        "lists_per_day": commits * size["lists_per_commit"],
        "objects": puts * _DAYS * months,
        "pages_standard_gb": page_bytes * _DAYS * lately / _GB,
        "pages_glacier_gb": page_bytes * _DAYS * (months - lately) / _GB,
        "tables_gb": table_bytes * _DAYS * (months + 1) / _GB,  # a month of the recent tier beside the sealed one
        "log_gb": log_bytes * _DAYS * months / _GB,
        "marts_gb": table_bytes * _DAYS * months * size["marts_share_of_tables"] / _GB,
        "pages_per_month": (size["tail_commits_per_day"] + further_pages) * _DAYS,
        "scanned_tb_by_questions": Decimal(demand.questions) * table_bytes * demand.question_days
        * size["question_reads_share"] / _GB / 1000,
        "scanned_tb_by_marts": table_bytes * _MARTS_DAYS * _DAYS / _GB / 1000,
        "siem_gb_per_month": events * size["event_bytes_to_a_siem"] * _DAYS / _GB,
    }  # fmt: skip


def _lines(demand: Demand, prices: Prices, volume: Mapping[str, Decimal]) -> list[Line]:
    price, size = prices.price, prices.size
    standard = volume["pages_standard_gb"] + volume["tables_gb"] + volume["log_gb"] + volume["marts_gb"]
    puts, gets = volume["puts_per_day"] * _DAYS, volume["gets_per_day"] * _DAYS
    lists = volume["lists_per_day"] * _DAYS
    requests = puts + gets + lists
    moved = volume["pages_per_month"] if demand.months > _GLACIER_AFTER else Decimal(0)
    lines = [
        _line("S3, kept ready", standard, "GB", price["s3_standard_gb_month"],
              "pages of 3 months, tables of both tiers, log, marts"),
        _line("S3, pages read seldom", volume["pages_glacier_gb"], "GB", price["s3_glacier_ir_gb_month"],
              "pages older than 3 months, readable at once"),
        _line("S3, writing", puts / 1000, "1,000 requests", price["s3_put_1000"], "objects a day x 30.4"),
        _line("S3, listing", lists / 1000, "1,000 requests", price["s3_put_1000"], "priced as writing"),
        _line("S3, reading", gets / 1000, "1,000 requests", price["s3_get_1000"], "reads of the pipeline"),
        _line("S3, moving pages", moved / 1000, "1,000 objects", price["s3_glacier_ir_transition_1000"],
              "each page once; none in the first 3 months"),
        _line("Copies of checkpoints", volume["commits_per_day"] * 2 * _DAYS / 1000, "1,000 requests",
              price["s3_put_1000"], "two checkpoints a commit, into the second account"),
        _line("KMS, keys", Decimal(2), "keys", price["kms_key_month"], "archive and copies"),
        _line("KMS, requests", requests / 100 / 10_000, "10,000 requests", price["kms_10000"],
              "bucket keys: one request for about 100 objects"),
        _line("SQS", (volume["commits_per_day"] * 3 * _DAYS + Decimal(3 * 60 * 24) * _DAYS) / 1_000_000,
              "million requests", price["sqs_1000000"], "three a commit, and a look every 20 seconds"),
        _line("Athena, questions", volume["scanned_tb_by_questions"], "TB", price["athena_tb"],
              f"{demand.questions} questions over {demand.question_days} days"),
        _line("Athena, marts", volume["scanned_tb_by_marts"], "TB", price["athena_tb"],
              f"each night {_MARTS_DAYS} days again"),
        _line("CloudTrail, data events", requests / 100_000, "100,000 events", price["cloudtrail_data_100000"],
              "each request to the archive"),
        _line("Secrets", size["secrets"], "secrets", price["secret_month"], "keys, tokens, passwords"),
        _line("Alarms", size["alarms"], "alarms", price["cloudwatch_alarm_month"], "dead, waiting, silent"),
    ]  # fmt: skip
    return lines + (_dagster(price, size) if demand.compute == "dagster" else _function(price, size))


def _dagster(price: Mapping[str, Decimal], size: Mapping[str, Decimal]) -> list[Line]:
    return [
        _line("Dagster, processors", size["dagster_vcpu"] * _HOURS, "vCPU hours", price["fargate_vcpu_hour"],
              "code server, daemon, webserver, always on"),
        _line("Dagster, memory", size["dagster_gb"] * _HOURS, "GB hours", price["fargate_gb_hour"], "the same"),
        _line("PostgreSQL", _HOURS, "hours", price["database_hour"], "the smallest; it may be lost"),
        _line("PostgreSQL, disk", size["database_gb"], "GB", price["database_gb_month"], "two weeks of runs"),
    ]  # fmt: skip


def _function(price: Mapping[str, Decimal], size: Mapping[str, Decimal]) -> list[Line]:
    calls = size["tail_commits_per_day"] * _DAYS
    return [
        _line("Lambda, time", calls * size["lambda_seconds_per_tail"] * size["lambda_gb"], "GB seconds",
              price["lambda_gb_second"], "every five minutes, some seconds"),
        _line("Lambda, calls", calls / 1_000_000, "million calls", price["lambda_1000000"], "every five minutes"),
    ]  # fmt: skip


def _line(what: str, quantity: Decimal, unit: str, price: Decimal, how: str) -> Line:
    return Line(what, quantity, unit, price, _cents(quantity * price), how)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_EVEN)
