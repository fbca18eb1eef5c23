"""The directory: Admin API reads, organisation data, spend limits (reference 1.7, 4.4, 4.5)."""
