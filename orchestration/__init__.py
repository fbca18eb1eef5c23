"""When and how it runs: Dagster's wiring and the command line. Nothing here knows a payload."""
