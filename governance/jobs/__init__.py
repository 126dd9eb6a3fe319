"""Jobs: the ticks that run beside the requests.

Rules of this room:

1. A job is a name, an interval and one call; it never takes the process down, its failures are counted and logged.
2. A job that must run once in a region of several processes holds a lease of its own room (detection does).
3. Stopping waits for the running calls, so long as that is bearable, and starts no other.
"""

from governance.jobs.reminders import Reminders
from governance.jobs.runtime import Runtime
from governance.jobs.ticker import Job, Ticker

__all__ = ["Job", "Reminders", "Runtime", "Ticker"]
