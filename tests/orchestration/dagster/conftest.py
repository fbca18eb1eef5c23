"""The same tenant and pipeline that the tests of the assets use."""

from tests.assets.conftest import pipeline, served

__all__ = ["pipeline", "served"]
