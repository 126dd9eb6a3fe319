"""Revocations: what has died since, as a small signed bundle beside the policy bundle.

1. Small and independent of the agreements' text: a suspension reaches an edge by it while the policy bundle is slow,
   broken or refused. Its roots are its own, so either bundle is activated without the other.
2. An agreement is listed with its last version that is over: every version up to it is dead. One that is in force with
   a later version lists the versions before; one that counts no more as signed lists them all.
3. A token is listed by the SHA-256 of its id, until it would have run out anyway. Nothing else of it is published.
4. What tokens rest on (a client, a person, an issuer, a signing key) is listed by the SHA-256 of its name with the last
   second of issue that is dead, for as long as a token issued then may live; ``*`` is what all rest on.
5. ``as_of`` is when the service last said that all this holds, in whole steps of :data:`heartbeat`, so that processes
   agree: an edge reads from it how old its data is.
6. The revision is ``as_of``, a dot, and a digest: an edge's report shows how old its data is.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.agreements import PolicyData, agreements_in_force
from governance.edges.bundle import Bundle, Sign, canonical, pack
from governance.tokens import Revoked

REVOCATION_BUNDLE = "revocations"
EVERY_VERSION = 2**31 - 1
_LONGEST_BEAT = 30  # seconds
_BEATS = 4  # that may be missed before an edge's data is too old, at least
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Revocations:
    """What is dead, in seconds since 1970.

    By agreement its last dead version, by a token's digest when it runs out, by that of what tokens rest on the last
    second of issue that is dead.
    """

    as_of: int
    agreements: Mapping[str, int]
    tokens: Mapping[str, int]
    ended: Mapping[str, int]

    @property
    def document(self) -> dict[str, Any]:
        """Give what becomes ``data.revocations``."""
        listed = {"agreements": self.agreements, "tokens": self.tokens, "ended": self.ended}
        return {"as_of": self.as_of, **{name: dict(found) for name, found in listed.items()}}

    @property
    def revision(self) -> str:
        """Give the revision of the bundle (rule 6)."""
        return f"{self.as_of}.{hashlib.sha256(canonical(self.document)).hexdigest()[:_DIGITS]}"


def heartbeat(stale_after: int) -> int:
    """Give the seconds between two revisions of the bundle, for a limit on the age of an edge's data."""
    return max(1, min(_LONGEST_BEAT, stale_after // _BEATS))


def revocations(data: PolicyData, revoked: Revoked, now: datetime, beat: int) -> Revocations:
    """Say what is dead.

    Args:
        data: the policy data now in force.
        revoked: what is dead before its time.
        now: the service's clock.
        beat: seconds of a step of ``as_of``.
    """
    seconds = int(now.timestamp())
    return Revocations(
        seconds - seconds % beat,
        _ended(data, revoked.agreements),
        {_digest(jti): int(until.timestamp()) for jti, until in revoked.tokens.items()},
        {_digest(name) if name != "*" else name: last for name, last in revoked.ended.items()},
    )


def as_of(revision: str) -> int | None:
    """Read from a bundle's revision as of when it holds, in seconds since 1970; None from anything else."""
    seconds = revision.split(".", 1)[0]
    return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) <= _DIGITS else None


def revocation_bundle(held: Revocations, sign: Sign) -> Bundle:
    """Give the snapshot bundle of revocations; ``sign`` makes a JWT of claims."""
    files = {"revocations/data.json": canonical(held.document)}
    return pack(REVOCATION_BUNDLE, held.revision, ("revocations",), files, sign)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _ended(data: PolicyData, revoked: Iterable[str]) -> dict[str, int]:
    active = agreements_in_force(data)
    ended = dict.fromkeys(revoked, EVERY_VERSION)
    for clause in data.document["clauses"].values():
        name, version = clause["agreement"], clause["version"]
        ended[name] = version - 1 if name in active else version
    return {name: version for name, version in sorted(ended.items()) if version > 0}
