"""Every claim of every token kind, sorted into a declared class.

1. A claim is **required and verified** (must be there and pass its check), **required and unverified** (must be there,
   its value is used as it is), **optional** (checked when it is there) or **deliberately unchecked** (known, and known
   not to matter for what the token opens).
2. A claim in no class is unknown: it never refuses the token, it is reported, so that a new claim of an identity
   provider is noticed before somebody relies on it.
3. A table that verifies nothing cannot be made, nor one that puts a claim in two classes.
4. A check gives the fault or None, never a bool, and gets the time as whole seconds: no check reads a clock.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias, TypeGuard

from governance.telemetry import get_logger
from governance.tokens.errors import TokenFault, TokenRefused

Check: TypeAlias = Callable[[object, int], TokenFault | None]
LEEWAY = 10  # seconds of clock difference forgiven; used identifiers (single_use.py) are kept longer than that
TEXT_MAXIMUM = 512  # characters of any identifier in a claim
INSTANT_MAXIMUM = 253_402_300_799  # seconds since 1970: the end of the year 9999, beyond which no calendar here goes
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClaimTable:
    """The claims of one token kind and what is done about each; raises ValueError when it breaks rule 3."""

    kind: str
    required_verified: Mapping[str, Check]
    required_unverified: frozenset[str] = frozenset()
    optional: Mapping[str, Check] = field(default_factory=dict)
    unchecked: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.required_verified:
            raise ValueError(f"the claim table of {self.kind} verifies nothing")
        classes = (self.required_verified, self.required_unverified, self.optional, self.unchecked)
        names = [name for names in classes for name in names]
        if len(names) != len(set(names)):
            raise ValueError(f"the claim table of {self.kind} puts a claim in two classes")

    def verify(self, claims: Mapping[str, Any], now: int) -> tuple[str, ...]:
        """Check the claims of a token whose signature is verified, and give the names of unknown ones, sorted.

        Args:
            claims: the token's claims.
            now: seconds since 1970.

        Raises:
            TokenRefused: a claim is missing, or its check names a fault.
        """
        for name in (*self.required_verified, *sorted(self.required_unverified)):
            if claims.get(name) is None:
                raise TokenRefused(TokenFault.CLAIM_MISSING, f"The token lacks the claim {name}.")
        for name, check in (*self.required_verified.items(), *self.optional.items()):
            if name in claims:
                fault = check(claims[name], now)
                if fault is not None:
                    raise TokenRefused(fault, f"The claim {name} of the token is not acceptable here.")
        known = {*self.required_verified, *self.required_unverified, *self.optional, *self.unchecked}
        return tuple(sorted(set(claims) - known))


@lru_cache(maxsize=256)
def report(kind: str, unknown: tuple[str, ...]) -> None:
    """Log the names of unknown claims (rule 2), once for each set of names; never a value."""
    if unknown:
        _log.info("unknown claims", kind=kind, names=[name[:64] for name in unknown[:20]])


def equals(expected: str, fault: TokenFault = TokenFault.CLAIM) -> Check:
    """Make a check that the value is exactly this text."""
    return lambda value, _now: None if value == expected and isinstance(value, str) else fault


def only_audience(accepted: Collection[str]) -> Check:
    """Make a check that the audience is one value, and one of ours: a token for two audiences is for neither."""

    def check(value: object, _now: int) -> TokenFault | None:
        named = value[0] if isinstance(value, list) and len(value) == 1 else value
        return None if isinstance(named, str) and named in accepted else TokenFault.AUDIENCE

    return check


def among_audiences(accepted: Collection[str]) -> Check:
    """Make a check that the audience is, or a list of audiences holds, one of ours (OIDC Core section 2)."""

    def check(value: object, _now: int) -> TokenFault | None:
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in listed):
            return TokenFault.AUDIENCE
        return None if any(item in accepted for item in listed) else TokenFault.AUDIENCE

    return check


def party(accepted: Collection[str]) -> Check:
    """Make a check that the party a token was issued to (``azp``) is one, and one of ours (OIDC Core section 2)."""
    return lambda value, _now: None if isinstance(value, str) and value in accepted else TokenFault.AUDIENCE


def expires(within: int | None = None) -> Check:
    """Make a check of ``exp``: not past, and at most ``within`` seconds ahead."""

    def check(value: object, now: int) -> TokenFault | None:
        if not is_instant(value):
            return TokenFault.CLAIM
        if value <= now - LEEWAY:
            return TokenFault.EXPIRED
        return TokenFault.LIFETIME if within is not None and value > now + within + LEEWAY else None

    return check


def issued(max_age: int | None = None, ahead: int = LEEWAY) -> Check:
    """Make a check of ``iat``: not ahead of us, and not older than ``max_age`` seconds."""

    def check(value: object, now: int) -> TokenFault | None:
        if not is_instant(value):
            return TokenFault.CLAIM
        too_old = max_age is not None and value < now - max_age - LEEWAY
        return TokenFault.ISSUED_AT if too_old or value > now + ahead else None

    return check


def begun(value: object, now: int) -> TokenFault | None:
    """Check ``nbf``: not ahead of us."""
    if not is_instant(value):
        return TokenFault.CLAIM
    return TokenFault.NOT_YET_VALID if value > now + LEEWAY else None


def text(value: object, _now: int) -> TokenFault | None:
    """Check that the value is a text of sensible length without control characters."""
    good = isinstance(value, str) and 0 < len(value) <= TEXT_MAXIMUM and value.isprintable()
    return None if good else TokenFault.CLAIM


def one_of(*words: str) -> Check:
    """Make a check that the value is one of these words, whatever its case; anything else is another kind of token."""
    return lambda value, _now: None if isinstance(value, str) and value.lower() in words else TokenFault.TYPE


def object_value(value: object, _now: int) -> TokenFault | None:
    """Check that the value is a JSON object."""
    return None if isinstance(value, dict) else TokenFault.CLAIM


def array_value(value: object, _now: int) -> TokenFault | None:
    """Check that the value is a JSON array."""
    return None if isinstance(value, list) else TokenFault.CLAIM


def refused(fault: TokenFault) -> Check:
    """Make a check that refuses the claim whatever its value: it must not be in this kind of token."""
    return lambda _value, _now: fault


def is_instant(value: object) -> TypeGuard[int | float]:
    """Say whether a value is a NumericDate (RFC 7519 section 2): a number of a year from 1970 to 9999, no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= INSTANT_MAXIMUM
