"""Bundles for the trusts' own OPAs: served from memory, awaited by long poll.

1. A bundle is built when it is first asked for after a change, of its content or of the key that signs, and kept until
   the next. Neither bundle waits for the building of the other.
2. A waiting OPA is answered as soon as its bundle changes, or with "unchanged" when its time is over.
3. Each wait holds a thread of the server, so there are only so many places, and only so many of them for one client and
   bundle. An OPA without a place is answered 503 with a time to retry and goes on deciding with what it has:
   after "unchanged" at once it would ask again at once.
4. Revocations are read anew when they are asked for, when the policy changes and at each :meth:`Bundles.refresh`.
5. An OPA whose client is suspended or deleted while it waits is answered 401, at the next :meth:`Bundles.refresh`.
6. Whoever needs a bundle that another is building, or revocations that another is reading, waits for it, but not for
   ever: an OPA is then answered 503, as one without a place is.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from threading import Condition, Lock
from typing import TypeAlias

from governance.agreements import PolicyData
from governance.clock import Clock
from governance.decisions.engine import PolicySource
from governance.edges.bundle import POLICY_BUNDLE, Bundle, Sign, bundle_revision, policy_bundle
from governance.edges.revocations import REVOCATION_BUNDLE, Revocations, heartbeat, revocation_bundle, revocations
from governance.errors import NotFound, Unauthenticated, Unavailable
from governance.storage import locked
from governance.tokens import Revoked

LONGEST_WAIT = 60.0  # seconds
PLACES_EACH = 2  # an OPA that lost its connection comes back while its old wait still holds a place
_RETRY = 5  # seconds
Admits: TypeAlias = Callable[[str, datetime], bool]


class Bundles:
    """The bundles of this process.

    Args:
        policies: the Rego modules.
        sign: signs a bundle's list of files.
        places: OPAs that may wait at once, counted once for each bundle they wait for.
        clock: says as of when revocations hold.
        revoked: gives what is dead before its time.
        stale_after: seconds without word from here after which an edge denies everything.
        admits: says whether a client that began to wait at an instant may still be answered; all of them without it.
        key: names the key that ``sign`` uses now.
    """

    def __init__(
        self,
        policies: PolicySource,
        sign: Sign,
        places: int,
        *,
        clock: Clock,
        revoked: Callable[[], Revoked],
        stale_after: int,
        admits: Admits = lambda _client, _began: True,
        key: Callable[[], str] = lambda: "",
    ) -> None:
        self._policies = policies
        self._sign = sign
        self._places = places
        self._clock = clock
        self._revoked = revoked
        self._stale_after = stale_after
        self._admits = admits
        self._key = key
        self._signer = ""  # the key as it was last named
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._began: dict[object, tuple[str, datetime]] = {}  # who waits and since when
        self._ended: frozenset[object] = frozenset()  # those of them that may no longer
        self._changed = Condition()
        self._building = {POLICY_BUNDLE: Lock(), REVOCATION_BUNDLE: Lock()}
        self._reading = Lock()
        self._data: PolicyData | None = None
        self._dead: Revocations | None = None
        self._built: dict[str, tuple[str, Bundle]] = {}  # by name, with the key that signed
        self._stopping = False

    def load(self, data: PolicyData) -> None:
        """Serve this policy data from now on and answer every waiting OPA; subscribed to the agreements."""
        with self._changed:
            self._data = data
        try:
            self.refresh()  # first: revocations are served before the long bundle is built
        finally:
            with self._changed:
                self._changed.notify_all()

    def refresh(self) -> None:
        """Read again what was revoked and what the time is, and answer OPAs that wait for a change of it.

        Raises:
            Unavailable: another reading did not end in time.
        """
        with self._alone(self._reading):  # else an older reading could take the place of a newer one
            self._end_waits()
            self._take_key()
            if (data := self._data) is None:
                return
            dead = revocations(data, self._revoked(), self._clock.now(), heartbeat(self._stale_after))
            if dead == self._dead:
                return
            with self._changed:
                self._dead = dead
                self._changed.notify_all()

    @property
    def revision(self) -> str:
        """Give the revision of the policy bundle an OPA should be at; empty before the first policy data."""
        data = self._data
        return bundle_revision(self._policies, data, self._stale_after) if data else ""

    def bundle(self, name: str) -> Bundle:
        """Give a bundle as it is now.

        Raises:
            NotFound: there is no bundle of this name.
            Unavailable: there is no policy data yet, or another is still building it.
        """
        if name not in self._building:
            raise NotFound("bundle.unknown", "There is no bundle of this name.")
        if name == REVOCATION_BUNDLE:
            self.refresh()
        with self._alone(self._building[name]):
            revision = self._revision(name)
            if not revision:
                raise Unavailable("bundle.not_ready", "There is no policy to serve yet.", _RETRY)
            signer, built = self._built.get(name, ("", None))
            if built is None or built.revision != revision or signer != self._signer:
                signer, built = self._signer, self._build(name)
                self._built[name] = signer, built
            return built

    def newer(self, name: str, held: str | None, seconds: float, client: str) -> Bundle | None:
        """Give the bundle as soon as it differs from what a client holds, None when it did not change in time.

        Args:
            name: of the bundle.
            held: the entity tag of what the client holds; None when it holds nothing.
            seconds: how long it will wait; 0 for an answer at once. At most :data:`LONGEST_WAIT` count.
            client: who waits.

        Raises:
            NotFound, Unavailable: as :meth:`bundle`; Unavailable also when every place is taken.
            Unauthenticated: the client was suspended or deleted while it waited.
        """
        found, signer = self.bundle(name), self._signer
        if found.etag != held:
            return found
        if seconds <= 0:
            return None
        with self._place(name, client) as place, self._changed:
            self._changed.wait_for(
                lambda: (
                    self._stopping
                    or place in self._ended
                    or (self._revision(name), self._signer) != (found.revision, signer)
                ),
                timeout=min(seconds, LONGEST_WAIT),
            )
            began = self._began[place][1]
        if not self._admits(client, began):
            raise Unauthenticated("token.revoked", "The client was suspended or deleted while it waited.")
        found = self.bundle(name)
        return found if found.etag != held else None

    @property
    def waiting(self) -> int:
        """Give how many waits there are in this process."""
        return self._waiting.total()

    def stop(self) -> None:
        """Answer every waiting OPA, and let no other wait: the process ends."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def _alone(self, lock: Lock) -> AbstractContextManager[None]:
        return locked(lock, "bundle.not_ready", "The bundle is still being made. Ask again.")

    def _revision(self, name: str) -> str:
        if name == POLICY_BUNDLE:
            return self.revision
        dead = self._dead
        return dead.revision if dead else ""

    def _build(self, name: str) -> Bundle:
        data, dead = self._data, self._dead
        if data is None or dead is None:
            raise Unavailable("bundle.not_ready", "There is no policy to serve yet.", _RETRY)
        if name == POLICY_BUNDLE:
            return policy_bundle(self._policies, data, self._stale_after, self._sign)
        return revocation_bundle(dead, self._sign)

    def _take_key(self) -> None:
        """Sign with the key that signs now; an OPA that waits gets its bundle signed anew."""
        if (signer := self._key()) != self._signer:
            with self._changed:
                self._signer = signer
                self._changed.notify_all()

    def _end_waits(self) -> None:
        """Wake whoever waits for a client that may no longer be answered."""
        with self._changed:
            waiting = dict(self._began)
        ended = frozenset(place for place, (client, began) in waiting.items() if not self._admits(client, began))
        if ended != self._ended:
            with self._changed:
                self._ended = ended
                self._changed.notify_all()

    @contextmanager
    def _place(self, name: str, client: str) -> Iterator[object]:
        held, place = (name, client), object()
        with self._changed:
            if self._waiting.total() >= self._places or self._waiting[held] >= PLACES_EACH:
                raise Unavailable("bundle.waiters_full", "Every place for a long poll is taken.", _RETRY)
            self._waiting[held] += 1
            self._began[place] = (client, self._clock.now())
        try:
            yield place
        finally:
            with self._changed:
                del self._began[place]
                self._waiting[held] -= 1
                self._waiting += Counter()  # forgets clients that wait no more
