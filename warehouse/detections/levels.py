"""The levels a rule can have, gravest first: Sigma's own words, in the order in which people want to see them."""

LEVELS = ("critical", "high", "medium", "low", "informational")
