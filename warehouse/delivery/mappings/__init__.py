"""What a SIEM is told: the canonical event, and the field names of each schema as data.

Promise: every listed event type has a row in every table, an unlisted one gets the row of its verb.
"""
