"""The tenants, installations and command line of the promises."""

from tests.promises.conftest import Command, ledgerline, past, site, standing, tenant

__all__ = ["Command", "ledgerline", "past", "site", "standing", "tenant"]
