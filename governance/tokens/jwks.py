"""Key sets of the trusts' identity providers: fetched, kept, and never hammered.

1. The address comes from the federation's register, never from a token. It is called by the outbound client: https, or
   http on a loopback address, no redirect, within its total and its size.
2. A fetched set is good for ``lifetime``. A key id it does not hold makes it be fetched again, at most once in
   ``cool_down``, so that a stranger's tokens cannot turn us against a provider.
3. While a provider is away the last good set serves until ``stale``; after that its tokens cannot be verified and the
   answer is "try again", never "let in".
4. While a set is renewed the last one serves; one fetch runs for an address at a time.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from governance.errors import Unavailable
from governance.outbound import CallPurpose, Documents, Freshness, Outbound, OutboundFailed
from governance.telemetry import get_logger
from governance.tokens import _jose

RETRY_AFTER = 10  # seconds
Fetch: TypeAlias = Callable[[str], bytes]
Keys: TypeAlias = tuple[Mapping[str, Any], ...]
_log = get_logger(__name__)


class KeySetUnreachable(Exception):
    """A key set could not be fetched or read; the message is for the log."""


class RemoteKeySets:
    """Key sets by address.

    Args:
        fetch: gets the bytes at an address, raises KeySetUnreachable.
        lifetime: how long a set is good without asking again.
        cool_down: the least time between two fetches of one set.
        stale: how long a set serves after its fetch while the provider is away.
        renewal: the least time between two fetches after one that did not fail; the cool-down unless given.
    """

    def __init__(
        self,
        fetch: Fetch,
        lifetime: timedelta = timedelta(minutes=5),
        cool_down: timedelta = timedelta(seconds=10),
        stale: timedelta = timedelta(hours=1),
        renewal: timedelta | None = None,
    ) -> None:
        self._fetch = fetch
        freshness = Freshness(lifetime, stale, cool_down, cool_down if renewal is None else renewal)
        self._sets: Documents[Keys] = Documents(self._load, freshness)

    def keys(self, address: str, kid: str | None, now: datetime) -> Keys:
        """Give the keys at an address, fetched when they are needed (rules 2 to 4).

        Raises:
            Unavailable: there is no set that may still be used.
        """
        return self._sets.get(address, now, lambda keys: kid is None or any(key.get("kid") == kid for key in keys))

    def _load(self, address: str) -> Keys:
        try:
            return _read(self._fetch(address))
        except KeySetUnreachable as error:
            _log.warning("key set not fetched", host=urlsplit(address).hostname, why=str(error))
        raise Unavailable(
            "identity_provider.unavailable", "The identity provider's keys cannot be had now.", RETRY_AFTER
        )


def key_set_fetch(outbound: Outbound) -> Fetch:
    """Give the fetch of key sets through a client (rule 1)."""

    def fetch(address: str) -> bytes:
        try:
            answer = outbound.get(CallPurpose.JWKS, address)
        except OutboundFailed as failed:
            raise KeySetUnreachable(failed.detail) from None
        if answer.status != HTTPStatus.OK:
            raise KeySetUnreachable(f"status {answer.status}")
        return answer.body

    return fetch


def _read(body: bytes) -> Keys:
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
