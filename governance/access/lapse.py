"""What happens when an agreement leaves the policy: its tokens die with it."""

from threading import Lock

from governance.agreements import PolicyData, agreements_in_force
from governance.clock import Clock
from governance.storage import Database
from governance.tokens import TokenService


class AgreementLapse:
    """Subscribes to the policy data and revokes every token of an agreement that is no longer in force.

    Each process does so for what it saw change; revoking twice is harmless.
    """

    def __init__(self, tokens: TokenService, database: Database, clock: Clock) -> None:
        self._tokens = tokens
        self._database = database
        self._clock = clock
        self._in_force: frozenset[str] = frozenset()
        self._lock = Lock()

    def __call__(self, data: PolicyData) -> None:
        """Take note of new policy data and revoke what it no longer holds."""
        now_in_force = agreements_in_force(data)
        with self._lock:
            gone = self._in_force - now_in_force
            if gone:
                at = self._clock.now()
                with self._database.transaction() as session:
                    for agreement in sorted(gone):
                        self._tokens.revoke_agreement(session, agreement, at)
            self._in_force = now_in_force
