"""Jobs: the ticks that run beside the requests.

Rules of this room:

1. A job is a name, an interval and one call; it never takes the process down, its failures are counted and logged.
2. A job that must run once in a region of several processes holds a lease of its own room (detection does).
3. Stopping waits for the running calls, for a bounded time, and starts no other.

Example: ``Ticker([Job("checkpoint", 1.0, sign)], metrics).start()`` calls ``sign`` every second.
"""

from governance.jobs.reminders import Reminders
from governance.jobs.runtime import Runtime
from governance.jobs.ticker import Job, Ticker

__all__ = ["Job", "Reminders", "Runtime", "Ticker"]
