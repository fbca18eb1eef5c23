"""Tenants, installations and receivers as the promises and the delivery have them, for processes that are hurt."""

from tests.delivery.conftest import receiver, receivers, shop
from tests.promises.conftest import ledgerline, past, site, standing, tenant

__all__ = ["ledgerline", "past", "receiver", "receivers", "shop", "site", "standing", "tenant"]
