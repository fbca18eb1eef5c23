"""The tenants and installations of the promises."""

from tests.promises.conftest import past, site, standing, tenant

__all__ = ["past", "site", "standing", "tenant"]
