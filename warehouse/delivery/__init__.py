"""Delivery: events out of the archive into the destinations that people already read."""
