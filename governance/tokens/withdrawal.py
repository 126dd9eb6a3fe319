"""Withdrawing a compromised key, of tokens or of bundles: never again accepted, published or signed with.

1. It is one act and one event, with which key signed before and which signs after.
2. Whatever a withdrawn signing key signed is dead at the next look of every process; within a second none publishes it
   or signs with it.
3. A withdrawn bundle key signs no bundle any more. What edges hold they hold: take it out of their configuration.
"""

from sqlmodel import Session

from governance.audit import Recorder
from governance.clock import Clock
from governance.errors import NotFound
from governance.storage import Database
from governance.tokens import _store
from governance.tokens.bundle_key import BundleKeys
from governance.tokens.keys import KeyRing
from governance.vocabulary import EventKind


class KeyWithdrawal:
    """Withdraws keys.

    Args:
        database: where the keys and the withdrawn ones are.
        recorder: records each withdrawal in its transaction.
        clock: read once in each.
        ring: the keys of tokens.
        bundle_keys: the keys of bundles.
    """

    def __init__(
        self, database: Database, recorder: Recorder, clock: Clock, ring: KeyRing, bundle_keys: BundleKeys
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._ring = ring
        self._bundle_keys = bundle_keys

    def withdraw(self, kid: str) -> str:
        """Withdraw a key for good and give the id of the one that signs in its place.

        Raises:
            NotFound: it is none of the signing keys, and none of the two bundle keys that are published.
        """
        now, bundle_keys = self._clock.now(), self._bundle_keys.published()
        of_bundles = kid in {key.kid for key in bundle_keys}
        before = bundle_keys[0].kid if of_bundles else self._ring.current(now).kid
        with self._database.transaction() as session:
            if of_bundles:
                _store.withdraw_key(session, kid, now)
                after = next(key.kid for key in bundle_keys if key.kid != kid)
            else:
                self._require(session, kid)
                after = self._ring.withdraw_in(session, kid, now)
            detail = {"withdrawn": "bundle_key" if of_bundles else "signing_key", "kid": kid}
            self._recorder.record_in(
                session,
                EventKind.CONFIG,
                time=now,
                detail={**detail, "before": {"signs": before}, "after": {"signs": after}},
            )
        self._ring.refresh(now)
        return after

    def _require(self, session: Session, kid: str) -> None:
        if not _store.signing_key_known(session, kid):
            raise NotFound("key.unknown", "There is no such key of tokens, and it is no bundle key that is published.")
