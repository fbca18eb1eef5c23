"""`ledgerline pull activities` at a moment of the simulated clock: the command as it is, with the clock set.

The command has no switch for the time, rightly. So the clock is put in place before anything else is imported.
"""

import sys
from datetime import datetime

from warehouse.wire import times

if __name__ == "__main__":
    moment = datetime.fromisoformat(sys.argv.pop(1))
    times.system_clock = lambda: moment
    from orchestration.cli import main

    sys.exit(main())
