"""Data the sandbox carries along: the listed activity types, their fields, and names for people."""

from __future__ import annotations

from importlib.resources import files


def data_text(name: str) -> str:
    """The UTF-8 text of a data file of this folder."""
    return (files("sandbox.data") / name).read_text(encoding="utf-8")
