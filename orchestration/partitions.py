"""The days of the pipeline: UTC days from the configured start to today.

A window that crosses midnight belongs to two days, so today is a partition from its first second on.
"""

from collections.abc import Sequence
from datetime import date

import dagster as dg


def daily(start: date) -> dg.DailyPartitionsDefinition:
    """One partition per UTC day of event time, today included."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC", end_offset=1)


def since(
    start: date, assets: Sequence[dg.AssetsDefinition | dg.AssetSpec]
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The assets with their daily partitions begun at `start` instead of at the first day there could be."""
    days = daily(start)

    def narrowed(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec if spec.partitions_def is None else spec.replace_attributes(partitions_def=days)

    return [
        narrowed(asset) if isinstance(asset, dg.AssetSpec) else asset.map_asset_specs(narrowed) for asset in assets
    ]
