"""What the tenant uses and what it costs: a ledger of lines per UTC day, and how each day is restated later."""
