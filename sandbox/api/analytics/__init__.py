"""The Claude Enterprise Analytics API (reference 3): usage and cost, the legacy reports, engagement."""
