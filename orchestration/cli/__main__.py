"""`python -m orchestration.cli`, for a source tree that is not installed."""

from orchestration.cli import main

main()
