"""Key sets of the trusts' identity providers: fetched, kept, and never hammered.

1. The address comes from the federation's register, never from a token. It is https, or http on a loopback address.
   Redirects are not followed: the registered address is the address.
2. A fetched set is good for ``lifetime``. A key id it does not hold makes it be fetched again, at most once in
   ``cool_down``, so that a stranger's tokens cannot turn us against a provider.
3. While a provider is away the last good set serves until ``stale``; after that its tokens cannot be verified and the
   answer is "try again", never "let in".
4. A fetch takes ``TIMEOUT`` at most and ``MAXIMUM`` bytes at most. One thread fetches a set at a time.
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests

from governance.errors import Unavailable
from governance.telemetry import get_logger
from governance.tokens import _jose

TIMEOUT = (2.0, 3.0)  # seconds to connect, and between two bytes
MAXIMUM = 262_144  # bytes of a key set
RETRY_AFTER = 10  # seconds
Fetch = Callable[[str], bytes]
_log = get_logger(__name__)


class KeySetUnreachable(Exception):
    """A key set could not be fetched or read; the message is for the log."""


@dataclass(frozen=True, slots=True)
class _Kept:
    keys: tuple[Mapping[str, Any], ...]
    fetched_at: datetime

    def holds(self, kid: str | None) -> bool:
        return kid is None or any(key.get("kid") == kid for key in self.keys)


class RemoteKeySets:
    """Key sets by address.

    Args:
        fetch: gets the bytes at an address, raises KeySetUnreachable.
        lifetime: how long a set is good without asking again.
        cool_down: the least time between two fetches of one set.
        stale: how long a set serves after its fetch while the provider is away.
    """

    def __init__(
        self,
        fetch: Fetch | None = None,
        lifetime: timedelta = timedelta(minutes=5),
        cool_down: timedelta = timedelta(seconds=10),
        stale: timedelta = timedelta(hours=1),
    ) -> None:
        self._fetch = fetch or fetch_key_set
        self._lifetime = lifetime
        self._cool_down = cool_down
        self._stale = stale
        self._kept: dict[str, _Kept] = {}
        self._tried_at: dict[str, datetime] = {}
        self._locks: dict[str, Lock] = {}
        self._guard = Lock()

    def keys(self, address: str, kid: str | None, now: datetime) -> tuple[Mapping[str, Any], ...]:
        """Give the keys at an address, fetched when they are needed (rules 2 and 3).

        Raises:
            Unavailable: there is no set that may still be used.
        """
        with self._lock(address):
            kept = self._kept.get(address)
            if kept is not None and now - kept.fetched_at < self._lifetime and kept.holds(kid):
                return kept.keys
            tried = self._tried_at.get(address)
            if tried is None or now - tried >= self._cool_down:
                kept = self._refresh(address, now) or kept
            if kept is None or now - kept.fetched_at >= self._stale:
                raise Unavailable(
                    "identity_provider.unavailable", "The identity provider's keys cannot be had now.", RETRY_AFTER
                )
            return kept.keys

    def _refresh(self, address: str, now: datetime) -> _Kept | None:
        self._tried_at[address] = now
        try:
            fetched = _Kept(_read(self._fetch(address)), now)
        except KeySetUnreachable as error:
            _log.warning("key set not fetched", host=urlsplit(address).hostname, why=str(error))
            return None
        self._kept[address] = fetched
        return fetched

    def _lock(self, address: str) -> Lock:
        with self._guard:
            return self._locks.setdefault(address, Lock())


def fetch_key_set(address: str) -> bytes:
    """Fetch the bytes of a key set (rules 1 and 4); raises KeySetUnreachable."""
    require_safe_address(address)
    try:
        with requests.Session() as session:
            session.trust_env = not _is_loopback(urlsplit(address).hostname)
            with session.get(
                address, timeout=TIMEOUT, allow_redirects=False, stream=True, headers={"Accept": "application/json"}
            ) as answer:
                if answer.status_code != requests.codes.ok:
                    raise KeySetUnreachable(f"status {answer.status_code}")
                body = answer.raw.read(MAXIMUM + 1, decode_content=True)
    except (requests.RequestException, OSError) as error:
        raise KeySetUnreachable(type(error).__name__) from None
    if len(body) > MAXIMUM:
        raise KeySetUnreachable("too long")
    return bytes(body)


def require_safe_address(address: str) -> None:
    """Refuse an address that is neither https nor http on loopback (rule 1); raises KeySetUnreachable."""
    parts = urlsplit(address)
    safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))
    if not safe or not parts.hostname or "@" in parts.netloc:
        raise KeySetUnreachable("neither https nor loopback")


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _read(body: bytes) -> tuple[Mapping[str, Any], ...]:
    try:
        value = _jose.read_json(body)
    except ValueError:
        raise KeySetUnreachable("not JSON") from None
    keys = value.get("keys") if isinstance(value, dict) else None
    usable = (
        [key for key in keys if isinstance(key, dict) and not _jose.is_private(key)] if isinstance(keys, list) else []
    )
    if not usable:
        raise KeySetUnreachable("no public keys in it")
    return tuple(usable)
