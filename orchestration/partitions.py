"""The days of the pipeline: UTC days from the configured start to today.

A window of the feed that crosses midnight belongs to two days, so today is a partition from its first second on;
days of usage and cost are read when they are over.
"""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from warehouse.anthropic.spend_planning import FIRST_DAY


def daily(start: date) -> dg.DailyPartitionsDefinition:
    """One partition per UTC day of event time, today included."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC", end_offset=1)


def over(start: date) -> dg.DailyPartitionsDefinition:
    """One partition per UTC day that is over. The vendor has no usage and cost from before 2026."""
    return dg.DailyPartitionsDefinition(start_date=max(start, FIRST_DAY).isoformat(), timezone="UTC")


Assets = Sequence[dg.AssetsDefinition | dg.AssetSpec]


def since(start: date, assets: Assets) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The assets with their daily partitions begun at `start` instead of at the first day there could be."""
    return _narrowed(daily(start), assets)


def ended(start: date, assets: Assets) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The same for assets whose days are read when they are over."""
    return _narrowed(over(start), assets)


def monthly(start: date, assets: Assets) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The same for assets of a calendar month: from the month of the first day, the running month included."""
    first = max(start, FIRST_DAY).replace(day=1)
    return _narrowed(
        dg.MonthlyPartitionsDefinition(start_date=first.isoformat(), timezone="UTC", end_offset=1), assets
    )


def ended_months(start: date, assets: Assets) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The same for assets of a calendar month that is over, from the month of the first day on."""
    first = start.replace(day=1).isoformat()
    return _narrowed(dg.MonthlyPartitionsDefinition(start_date=first, timezone="UTC"), assets)


def _narrowed(days: dg.TimeWindowPartitionsDefinition, assets: Assets) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    def narrowed(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec if spec.partitions_def is None else spec.replace_attributes(partitions_def=days)

    return [
        narrowed(asset) if isinstance(asset, dg.AssetSpec) else asset.map_asset_specs(narrowed) for asset in assets
    ]
