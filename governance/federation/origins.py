"""The web origins that browsers may read our answers from: those of registered services' pages.

They are read from the register once a second at most, by whoever asks and may wait; nobody else need.
"""

import time
from collections.abc import Callable

from governance.federation.directory import FederationDirectory
from governance.storage import Database

FRESH = 1.0  # seconds


class RegisteredOrigins:
    """Knows the registered origins of a process.

    Args:
        database: opens a read snapshot.
        federation: the register.
        seconds: a clock that only runs forward.
    """

    def __init__(
        self, database: Database, federation: FederationDirectory, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._federation = federation
        self._seconds = seconds
        self._read: tuple[float, frozenset[str]] | None = None

    def hold(self, origin: str) -> bool:
        """Say whether an origin is registered."""
        found = self.hold_at_once(origin)
        if found is None:
            now = self._seconds()
            with self._database.reading() as session:
                self._read = now, self._federation.origins(session)
            found = origin in self._read[1]
        return found

    def hold_at_once(self, origin: str) -> bool | None:
        """Say the same without reading anything; None when the register has to be read."""
        read = self._read
        if read is None or self._seconds() - read[0] >= FRESH:
            return None
        return origin in read[1]
