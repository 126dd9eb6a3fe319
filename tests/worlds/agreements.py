"""A little world of agreements for tests: documents to vary, and a service on a real database with a real audit log."""

import copy
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from governance.agreements import Actor, Agreements, Record
from governance.agreements.rehearsal import Signatory, new_signatories
from governance.agreements.signing import public_key_of, sign
from governance.audit import AuditLog, Recorder
from governance.audit.event import Source
from governance.audit.signer import NoteSigner
from governance.clock import FixedClock
from governance.facts import FactWriter
from governance.pseudonyms import Pseudonymiser, Vault
from governance.simulation import region
from governance.storage import Database

OFFICE = Actor("operator", "service", None)
ORIGIN = "log.test/agreements"
_BASE: dict[str, Any] = {
    "id": "two-trusts",
    "version": 1,
    "title": "Images for direct care between two trusts",
    "parties": [{"ods": "RRK", "role": "controller"}, {"ods": "RKB", "role": "joint"}],
    "direction": {"owners": ["RRK", "RKB"], "recipients": ["RKB"]},
    "lawful_basis": {"article_6": "6(1)(e)", "article_9": "9(2)(h)", "confidentiality": "implied_consent"},
    "effective": {"from": "2026-01-01", "to": "2026-12-31"},
    "review_date": "2026-09-30",
    "dpia": "DPIA-1",
    "retention": {"class": "health_record", "years": 8},
    "clauses": [
        {
            "id": "4.1",
            "text": "Clinicians may read the images of their patients.",
            "purposes": ["TREAT", "ETREAT"],
            "actions": ["search", "read"],
            "recipients": {"roles": ["clinician"]},
            "data": {
                "modalities": ["CT", "MR"],
                "body_parts": ["*"],
                "level": "identifiable",
                "priors_days": 365,
                "excluded_labels": ["sealed"],
                "sensitive": "break_glass",
            },
            "conditions": {
                "identity_assurance": 2,
                "managed_device": True,
                "hours": {"from": "20:00", "to": "08:00"},
                "relationship": "required",
                "training": True,
                "obligations": [{"type": "watermark", "properties": {"text": "shared"}}],
            },
            "break_glass": {
                "allowed": True,
                "minutes": 30,
                "notify": ["owner_privacy_officer"],
                "review_share": 0.5,
            },
            "opt_out": {"applies": False, "exempt_because": "direct care"},
            "token": {"seconds": 60, "act_depth": 1},
        }
    ],
}
_GONE = object()
_IDS = itertools.count(1)


def _next_id() -> str:
    return f"event-{next(_IDS)}"


def document(changes: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Give the base document with top-level fields replaced, and deep changes by pointer (``/clauses/0/id``)."""
    made: dict[str, Any] = copy.deepcopy({**_BASE, **fields})
    for path, value in (changes or {}).items():
        *steps, last = path.strip("/").split("/")
        target: Any = made
        for one in steps:
            target = target[int(one) if isinstance(target, list) else one]
        key = int(last) if isinstance(target, list) else last
        if value is _GONE:
            del target[key]
        else:
            target[key] = value
    return made


def without(path: str) -> dict[str, Any]:
    """Give the base document without the field a pointer names."""
    return document({path: _GONE})


class World:
    """Agreements with everything they stand on, and a signatory for each organisation asked for."""

    def __init__(
        self, database: Database, clock: FixedClock, *organisations: str, new_id: Callable[[], str] | None = None
    ) -> None:
        self.database = database
        self.clock = clock
        self.audit = AuditLog(
            database,
            Pseudonymiser(b"k" * 32),
            Vault(b"e" * 32),
            NoteSigner.from_seed(ORIGIN, b"s" * 32),
            clock,
            ORIGIN,
        )
        self.known = {trust.ods for trust in region.trusts()} | set(organisations)
        self.recorder = Recorder(self.audit, clock, Source("imaging-governance", "RRK"), new_id or _next_id)
        self.service = Agreements(
            database,
            self.recorder,
            clock,
            lambda _session: self.known,
            facts=FactWriter(Vault(b"e" * 32)),
        )
        self.signatories: dict[str, Signatory] = new_signatories({ods: ods for ods in organisations})

    def key(self, ods: str) -> str:
        """Register the organisation's key and give its id."""
        signatory = self.signatories[ods]
        public = public_key_of(signatory.private_key)
        return self.service.register_key(ods, signatory.name, signatory.role, public, OFFICE).key_id

    def sign(self, record: Record, ods: str) -> Record:
        """Sign a version for an organisation."""
        signature = sign(record.text, self.signatories[ods].private_key)
        return self.service.sign(record.agreement.id, record.agreement.version, self.key(ods), signature, OFFICE)

    def signed(self, changes: Mapping[str, Any] | None = None, **fields: Any) -> Record:
        """Load a document and sign it for every party."""
        (record,) = self.service.load([document(changes, **fields)], OFFICE)
        for ods in sorted(record.agreement.signatories):
            record = self.sign(record, ods)
        return record

    def active(self, changes: Mapping[str, Any] | None = None, **fields: Any) -> Record:
        """Load, sign and activate a document."""
        record = self.signed(changes, **fields)
        return self.service.activate(record.agreement.id, record.agreement.version, OFFICE)

    def details(self) -> list[Mapping[str, Any]]:
        """Give the details of every audit event so far, but for the digests of the rows it wrote."""
        events = self.audit.read(0, 1_000)
        return [{name: value for name, value in event.detail.items() if name != "rows"} for event in events]
