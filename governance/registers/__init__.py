"""Registers: feeding and changing federation, catalogue and relationships, for API and command line alike.

Rules of this room:

1. A change and its record in the log are one transaction: one that cannot be recorded does not happen.
2. Whose rows a writer may write is one rule (:mod:`governance.registers.writers`): what a row claims must be the
   writer's, on file and as it would be (:mod:`governance.registers.claims`). Every change goes through it, whether it
   came by API, by command line or from a file.
3. A feed adds. What makes a study less protected, or takes it from who answers for it, is an explicit act
   (:mod:`governance.registers.studies`).
4. A record names who changed what by counts, codes and registration ids, never a person by more than a pseudonym.
5. Whatever was registered can be ended at once, by whoever could register it (:mod:`governance.registers.endings`).
6. The three registers say what a row must look like; this room says who may write it and keeps the evidence.

Example: ``registrations.trust(OPERATOR, Trust("RRK", "University Hospitals Birmingham"))``.
"""

from governance.registers.changes import Change, Changes, Made
from governance.registers.endings import Ending, Endings, Target
from governance.registers.feeds import ContextFeeds, Taken
from governance.registers.network import ApprovedManifest, Network
from governance.registers.registrations import Registrations
from governance.registers.studies import StudyActs
from governance.registers.writers import OPERATOR, Writer

__all__ = [
    "OPERATOR",
    "ApprovedManifest",
    "Change",
    "Changes",
    "ContextFeeds",
    "Ending",
    "Endings",
    "Made",
    "Network",
    "Registrations",
    "StudyActs",
    "Taken",
    "Target",
    "Writer",
]
