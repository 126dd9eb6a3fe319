"""Refusals: what was refused is in the log, counted, and whoever is refused or asks too often is told to wait.

Rules of this room:

1. Noting a refusal never fails. The first of a run waits a moment for the log, a repetition and an event loop wait for
   nothing. Where the log cannot be written a refusal is a refusal still, and its record is written once the log can be.
2. A run is what was refused for one reason, of one claimant, at one endpoint, from one address, within one window. It
   is two events at most, however long it is: one that opens it, at once, and one that closes it, with its count.
3. Memory is bounded, and so is what is written: past :data:`~governance.refusals.trail.OF_ADDRESS` runs of one address
   (or OF_POINT of one enforcement point) its refusals are counted together, past MOST runs everybody's are.
4. Nothing that nobody proved is in the log in clear: an address, and the id of a client that is not registered, are
   keyed pseudonyms.
5. Each worker of a server has runs and budgets of its own: one claimant has at most as many runs as there are workers,
   and each worker gives its share of a budget. Nothing is shared, so nothing is waited for.
6. A budget is spent by whoever is named by all of its parts. One for failures is spent by a client *at an address*: who
   fails in another's name elsewhere spends nothing of theirs.

Example: ``trail.note(Refusal(EventKind.TOKEN, "token.signature", "/oauth/token", "192.0.2.1"))``.
"""

from governance.refusals.budgets import Budget, Budgets
from governance.refusals.refusal import Refusal
from governance.refusals.trail import Meter, RefusalTrail

__all__ = ["Budget", "Budgets", "Meter", "Refusal", "RefusalTrail"]
