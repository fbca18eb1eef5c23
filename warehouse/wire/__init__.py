"""The lowest room: verbatim JSON, UTC times and half-open windows.

Knows no API, no archive and no table. Everything above speaks in its terms, so that a record's bytes, a
timestamp and an interval mean the same thing everywhere.
"""
