"""What each event type is: verb, object, category, outcome, severity, who may do it, which fields it has.

The data is in `event_types.csv` and `export_events.csv`; the dbt seed is made from the first (`seed`).
Promise: a type nobody has listed is classified from its name, tagged as unlisted and never `informational`.
"""

from warehouse.taxonomy.actors import ACTOR_FIELDS, ENVELOPE_FIELDS
from warehouse.taxonomy.declared import Field
from warehouse.taxonomy.event_type import EventType
from warehouse.taxonomy.export_events import ExportMapping, feed_type_for_export_event
from warehouse.taxonomy.taxonomy import Taxonomy, load
from warehouse.taxonomy.unlisted import classify_unknown
from warehouse.taxonomy.vocabulary import CATEGORIES, DATA_MOVEMENTS, OUTCOMES, SEVERITIES, VERBS

__all__ = [
    "ACTOR_FIELDS",
    "CATEGORIES",
    "DATA_MOVEMENTS",
    "ENVELOPE_FIELDS",
    "OUTCOMES",
    "SEVERITIES",
    "VERBS",
    "EventType",
    "ExportMapping",
    "Field",
    "Taxonomy",
    "classify_unknown",
    "feed_type_for_export_event",
    "load",
]
