"""The error family: typed inside, problem documents at the edge.

Inner rooms raise these and know nothing of HTTP; ``governance.web.problems`` holds the one map from each class to a
status. ``reason`` is a stable machine code, ``detail`` is plain English for the caller and never carries an identifier,
a token or a secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input.

    ``path`` names the field (``/clauses/0/purposes``), ``message`` says what is wrong and what would be right.
    """

    path: str
    message: str


class GovernanceError(Exception):
    """Base of every error this service raises on purpose."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class InvalidInput(GovernanceError):
    """The input cannot be taken; ``faults`` lists everything wrong with it, not only the first."""

    def __init__(
        self, faults: Sequence[Fault], detail: str = "The input is not valid.", reason: str = "input.invalid"
    ) -> None:
        super().__init__(reason, detail)
        self.faults = tuple(faults)


class Unauthenticated(GovernanceError):
    """Nobody, or nobody we can verify, is asking."""


class Forbidden(GovernanceError):
    """The caller is known and may not do this."""


class NotFound(GovernanceError):
    """There is no such thing, or none the caller may know of."""


class Conflict(GovernanceError):
    """The thing is not in a state that allows this."""


class TooManyRequests(GovernanceError):
    """The caller must slow down; ``retry_after`` is in seconds."""

    def __init__(self, reason: str, detail: str, retry_after: int = 1) -> None:
        super().__init__(reason, detail)
        self.retry_after = retry_after


class Unavailable(GovernanceError):
    """A part this answer needs cannot be had now; nothing was done. ``retry_after`` is in seconds."""

    def __init__(self, reason: str, detail: str, retry_after: int = 1) -> None:
        super().__init__(reason, detail)
        self.retry_after = retry_after


class ConfigurationError(GovernanceError):
    """The service refuses to start: a setting is missing, contradictory or unsafe."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        listed = "; ".join(f"{fault.path}: {fault.message}" for fault in faults)
        super().__init__("configuration.invalid", f"The service will not start half-configured. {listed}")
        self.faults = tuple(faults)
