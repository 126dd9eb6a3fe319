"""The one shape that DICOM audit messages, IHE Year 4 messages and FHIR AuditEvents share, and the events made of it.

All three descend from RFC 3881: an event, its active participants, the source that saw it, and the objects it touched.
Each format's module only reads; what a message means is decided here, once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from governance.vocabulary import Outcome

EVENTS_MAXIMUM = 100  # events one message may become: one for each study or patient it names


@dataclass(frozen=True, slots=True)
class Context:
    """What a receiver knows that a message does not say.

    Args:
        now: the recorder's clock.
        identify: gives a message without an id of its own a stable, keyed name; a plain hash would let a guess at the
            message be confirmed.
        trust_of: gives the ODS code of the trust a message comes from, by the id of its source, the site it names and
            the path of that in the message; raises InvalidInput naming the path.
    """

    now: datetime
    identify: Callable[[bytes], str]
    trust_of: Callable[[str, str | None, str], str]


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody or something that took part (RFC 3881 section 5.2)."""

    user_id: str
    alternative_id: str = ""
    requestor: bool = False
    person: bool | None = None
    codes: frozenset[str] = frozenset()
    media: frozenset[str] = frozenset()
    network: str = ""
    role: str = ""
    policies: tuple[str, ...] = ()
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class TouchedObject:
    """Something the event touched (RFC 3881 section 5.4)."""

    identifier: str
    identifier_type: str = ""
    assigners: tuple[str, ...] = ()
    type: str = ""
    role: str = ""
    query: bytes = b""
    details: Mapping[str, str] = field(default_factory=dict)
    instances: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """An audit message as its sender wrote it; ``raw`` are the bytes its stable name is made of."""

    raw: bytes
    format: str
    code: str
    types: tuple[str, ...]
    action: str | None
    at: datetime
    outcome: Outcome
    source_id: str
    site: str | None
    site_path: str
    participants: tuple[Participant, ...]
    objects: tuple[TouchedObject, ...]
    purposes: tuple[str, ...] = ()
    outcome_description: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
