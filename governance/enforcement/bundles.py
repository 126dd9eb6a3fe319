"""Bundles for the trusts' own OPAs: served from memory, awaited by long poll.

1. A bundle is built when it is first asked for after a change, and kept until the next.
2. A waiting OPA is answered as soon as the policy changes, and told "unchanged" when its time is over.
3. Each wait holds a thread of the server, so there are only so many places, and only so many of them for one client. An
   OPA without a place is told to come again (503) and goes on deciding with what it has: told "unchanged" at once, it
   would ask again at once.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock

from governance.agreements import PolicyData
from governance.decisions.bundle import POLICY_BUNDLE, Bundle, Sign, bundle_revision, policy_bundle
from governance.decisions.engine import PolicySource
from governance.errors import NotFound, Unavailable

LONGEST_WAIT = 60.0  # seconds
PLACES_EACH = 2  # an OPA that lost its connection comes back while its old wait still holds a place
_RETRY = 5  # seconds


class Bundles:
    """The bundles of this process.

    Args:
        policies: the Rego modules.
        sign: signs a bundle's list of files.
        places: OPAs that may wait at once.
    """

    def __init__(self, policies: PolicySource, sign: Sign, places: int) -> None:
        self._policies = policies
        self._sign = sign
        self._places = places
        self._waiting: Counter[str] = Counter()
        self._changed = Condition()
        self._building = Lock()
        self._data: PolicyData | None = None
        self._built: tuple[PolicyData, Bundle] | None = None
        self._stopping = False

    def load(self, data: PolicyData) -> None:
        """Serve this policy data from now on and answer every waiting OPA; subscribed to the agreements."""
        with self._changed:
            self._data = data
            self._changed.notify_all()

    @property
    def revision(self) -> str:
        """Give the revision an OPA should be at; empty before the first policy data."""
        data = self._data
        return bundle_revision(self._policies, data) if data else ""

    def bundle(self, name: str) -> Bundle:
        """Give a bundle as it is now.

        Raises:
            NotFound: there is no bundle of this name.
            Unavailable: there is no policy data yet.
        """
        if name != POLICY_BUNDLE:
            raise NotFound("bundle.unknown", "There is no bundle of this name.")
        data = self._data
        if data is None:
            raise Unavailable("bundle.not_ready", "There is no policy to serve yet.", _RETRY)
        with self._building:
            if self._built is None or self._built[0] is not data:
                self._built = data, policy_bundle(self._policies, data, self._sign)
            return self._built[1]

    def newer(self, name: str, held: str | None, seconds: float, client: str) -> Bundle | None:
        """Give the bundle as soon as it differs from what a client holds, None when it did not change in time.

        Args:
            name: of the bundle.
            held: the entity tag of what the client holds; None when it holds nothing.
            seconds: how long it will wait; 0 for an answer at once. At most :data:`LONGEST_WAIT` count.
            client: who waits.

        Raises:
            NotFound, Unavailable: as :meth:`bundle`; Unavailable also when every place is taken.
        """
        found = self.bundle(name)
        if found.etag != held:
            return found
        if seconds <= 0:
            return None
        with self._place(client), self._changed:
            self._changed.wait_for(
                lambda: self._stopping or self.revision != found.revision, timeout=min(seconds, LONGEST_WAIT)
            )
        found = self.bundle(name)
        return found if found.etag != held else None

    @property
    def waiting(self) -> int:
        """Give how many OPAs wait in this process."""
        return self._waiting.total()

    def stop(self) -> None:
        """Answer every waiting OPA, and let no other wait: the process ends."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    @contextmanager
    def _place(self, client: str) -> Iterator[None]:
        with self._changed:
            if self._waiting.total() >= self._places or self._waiting[client] >= PLACES_EACH:
                raise Unavailable("bundle.waiters_full", "Every place for a long poll is taken.", _RETRY)
            self._waiting[client] += 1
        try:
            yield
        finally:
            with self._changed:
                self._waiting[client] -= 1
                self._waiting += Counter()  # forgets clients that wait no more
