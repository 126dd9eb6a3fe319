"""Suppressions and known relations: what is held back, for whom, why, by whom, and until when.

Rules of this room:

1. A suppression names a rule or a signal, and whom it is for: a user, a team, a patient, a trust, or nobody, which is
   everybody. A known relation is a person and a patient that somebody vouches for. Each has a reason, an owner and an
   end, 90 days on at the most.
2. One for a whole trust or for everybody is in force only once a second person has approved it.
3. Some findings are never held back (``NEVER``), and neither are notices: they are promised to the owners of images.
4. A trust sets its own, which hold back what concerns that trust alone: no trust silences another's question. The
   region sets them for all.
5. Nobody sets, approves, sees or profits from one about themselves or their own record.
6. What was held back is counted and kept, so that it can be looked at. Once a suppression has ended, the finding is
   raised when it is found again, and new ones are.

Example: ``suppressions.hold_back(session, findings)`` says for each finding which suppression held it back.
"""

from governance.alerts.suppressions.service import Suppressions, TeamsOf, TrustsNaming, no_teams, nobody_named
from governance.alerts.suppressions.suppression import (
    MAXIMUM_DAYS,
    NEVER,
    NewSuppression,
    Suppression,
    SuppressionKind,
    Withheld,
)

__all__ = [
    "MAXIMUM_DAYS",
    "NEVER",
    "NewSuppression",
    "Suppression",
    "SuppressionKind",
    "Suppressions",
    "TeamsOf",
    "TrustsNaming",
    "Withheld",
    "no_teams",
    "nobody_named",
]
