"""Relationships: why an access may be right. Evidence that ties those who look to those who are looked at.

Rules of this room:

1. An edge is evidence with a source and a time, valid in ``[from, until)``; outside it, it is none.
2. Users, teams, services, patients and studies are keyed pseudonyms. An edge is held by whom it names, by no namesake
   of theirs (:class:`Holder`).
3. An edge that names a patient covers the patient's studies; one that names only a study covers that study.
4. Only pool, rota and project edges may name neither; they cover what their trust answers for, and nothing else.
5. Household, surname and postcode are keyed hashes made at the source trust, never addresses or names.
6. A national data opt-out is a cached check, kept apart from the patient and for a limited time. Too old is unknown,
   and unknown is never "has not opted out".
7. What a trust says of a patient is its own: it stands beside what others say, and neither hides nor removes it.
8. A referral that only one of its ends has told of is kept as that end's word, and is no edge.
9. An upsert replaces a record whole. Evidence that arrives late still counts from when it was valid.

Example: ``relationships.edges_to(session, study.patient, study.study, now, study.custodians)``.
"""

from governance.relationships.edge import SERVICES, WIDE_KINDS, Between, Edge, Holder, held
from governance.relationships.feed import parse_edges, parse_patients
from governance.relationships.patient import KnownPatient, PatientContext, PatientFlag
from governance.relationships.service import OPT_OUT_LIFETIME, Relationships, TrustsNaming

__all__ = [
    "OPT_OUT_LIFETIME",
    "SERVICES",
    "WIDE_KINDS",
    "Between",
    "Edge",
    "Holder",
    "KnownPatient",
    "PatientContext",
    "PatientFlag",
    "Relationships",
    "TrustsNaming",
    "held",
    "parse_edges",
    "parse_patients",
]
