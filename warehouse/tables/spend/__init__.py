"""Usage and cost as tables: rows and days, versioned by day and by how fresh the vendor's figures were."""
