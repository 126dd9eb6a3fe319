"""What one call may cost: a total of seconds, a number of bytes, and how many calls of its kind a host gets at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum


class CallPurpose(StrEnum):
    """What a call is for; the label of its metric."""

    JWKS = "jwks"
    DISCOVERY = "discovery"
    SIGN_IN = "sign_in"
    QIDO = "qido"
    OPA = "opa"
    MAIL = "mail"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one call.

    Args:
        seconds: for the whole call: slot, name, connection, TLS, question, headers and each byte of the body.
        size: bytes of the answer's body, as declared, as received and after decompression.
        at_once: calls that a host may have under way when another begins; more wait within their own seconds.
        plain_http: whether http may be spoken with other hosts than loopback.
    """

    seconds: float
    size: int
    at_once: int = 8
    plain_http: bool = False


BUDGETS = {
    CallPurpose.JWKS: Budget(5.0, 1 << 18),
    CallPurpose.DISCOVERY: Budget(5.0, 1 << 18),
    CallPurpose.SIGN_IN: Budget(5.0, 1 << 18),
    CallPurpose.QIDO: Budget(20.0, 1 << 24),
    CallPurpose.MAIL: Budget(20.0, 1 << 16),
    CallPurpose.WEBHOOK: Budget(10.0, 1 << 16),
}


class Deadline:
    """The instant at which a total is spent."""

    __slots__ = ("_until",)

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Give the seconds that are left, never less than none."""
        return max(0.0, self._until - time.monotonic())


class _Here(threading.local):
    """What the calling thread has agreed to stay within."""

    deadline: Deadline | None = None


_HERE = _Here()


@contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """Hold everything that this thread calls meanwhile to one total; a total outside it that ends sooner goes on."""
    before = _HERE.deadline
    _HERE.deadline = deadline = Deadline(min(seconds, seconds_left(seconds)))
    try:
        yield deadline
    finally:
        _HERE.deadline = before


def seconds_left(most: float) -> float:
    """Give the seconds this thread may still spend on one thing that takes ``most`` at most."""
    return most if _HERE.deadline is None else min(most, _HERE.deadline.left)
