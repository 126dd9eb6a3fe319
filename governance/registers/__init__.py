"""Registers: feeding and changing federation, catalogue and relationships, for API and command line alike.

Rules of this room:

1. A change and its record in the log are one transaction: one that cannot be recorded does not happen.
2. Whose rows a writer may write is said in one place (:func:`governance.registers.writers.own_rows`), and every change
   goes through it, whether it came by API or command line.
3. A record names who changed what by counts, codes and registration ids, never a person by more than a pseudonym.
4. The three registers say what a row must look like; this room says who may write it and keeps the evidence.

Example: ``registrations.trust(OPERATOR, Trust("RRK", "University Hospitals Birmingham"))``.
"""

from governance.registers.changes import Change, Changes
from governance.registers.feeds import ContextFeeds, Taken
from governance.registers.network import ApprovedManifest, Network
from governance.registers.registrations import Registrations
from governance.registers.writers import OPERATOR, Writer

__all__ = [
    "OPERATOR",
    "ApprovedManifest",
    "Change",
    "Changes",
    "ContextFeeds",
    "Network",
    "Registrations",
    "Taken",
    "Writer",
]
