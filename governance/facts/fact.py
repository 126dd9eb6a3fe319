"""A fact as it is written, a version as it is read, and the span of indexes that a reading is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

NOW = (1 << 63) - 1  # an index after everything: what is known now


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of a register as it is to be known from the record of its change on.

    Args:
        kind: of which kind of row.
        key: the row's identity, with whose word it is where several may speak of one thing.
        value: what is known of it, as JSON; pseudonyms, codes, dates.
        secret: what ties it to a person or marks them, as JSON; sealed for ``owner``.
        owner: the pseudonym of the person that ``secret`` is about; needed when there is one.
        subject, patient, study: the pseudonyms it is looked up by (of a service or an agreement: its id).
        ods: the trust it is about.
        valid_from, valid_until: the time it says it is valid in, in microseconds since 1970 UTC.
        gone: the row is no longer there. Its names are those of the version before, whatever is given.
    """

    kind: str
    key: str
    value: Mapping[str, Any] = field(default_factory=dict)
    secret: Mapping[str, Any] = field(default_factory=dict)
    owner: str | None = None
    subject: str | None = None
    patient: str | None = None
    study: str | None = None
    ods: str | None = None
    valid_from: int | None = None
    valid_until: int | None = None
    gone: bool = field(default=False, kw_only=True)


class Version(NamedTuple):
    """What a row was, from the index after ``known_since`` to ``superseded``, or on.

    ``value`` is JSON text, for most versions that are read are never looked into: :meth:`said` gives what it says.
    ``sealed`` is opened by an :class:`~governance.facts.history.Opener`.
    """

    kind: str
    key: str
    known_since: int
    superseded: int | None
    subject: str | None
    patient: str | None
    study: str | None
    ods: str | None
    valid_from: int | None
    valid_until: int | None
    gone: bool
    value: str
    owner: str | None
    sealed: str | None

    def known_at(self, index: int) -> bool:
        """Say whether it was what was known to an event at an index."""
        return self.known_since < index and (self.superseded is None or self.superseded >= index)

    def valid_at(self, microseconds: int) -> bool:
        """Say whether it says that it is valid at an instant."""
        began = self.valid_from is None or self.valid_from <= microseconds
        return began and (self.valid_until is None or microseconds < self.valid_until)

    def said(self) -> dict[str, Any]:
        """Give what it says."""
        found: dict[str, Any] = json.loads(self.value)
        return found


class Span(NamedTuple):
    """The indexes of the log that a reading is about, both ends included."""

    first: int
    last: int

    def holds(self, index: int) -> bool:
        """Say whether an index is in it."""
        return self.first <= index <= self.last


class FactKey(NamedTuple):
    """A row that became known, or ceased to be, ``at`` an index: what it is about is to be looked at again.

    ``before`` is true of the names that the row had until then: a row may move from one patient to another.
    ``valid_from`` and ``value`` are the version's (:class:`Version`) that began or ended then.
    """

    at: int
    kind: str
    key: str
    before: bool
    subject: str | None
    patient: str | None
    study: str | None
    valid_from: int | None
    value: str


def written(value: Mapping[str, Any]) -> str:
    """Write a value so that equal values are equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
