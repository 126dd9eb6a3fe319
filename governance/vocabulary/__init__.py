"""Vocabulary: the field's words, its reason codes, and validators for its identifiers.

Rules of this room:

1. An enumeration is alphabetical, and its values are those on the wire, in the log and in the policy.
2. What follows from a reason code is asked of the code (``reason.transient``); nobody else keeps a list of codes.
3. A validator gives the identifier back or raises ValueError, and its message never repeats a patient's number.

Example: ``ReasonCode("engine.timeout").transient`` is true.
"""

from governance.vocabulary.identifiers import (
    DEFAULT_PORTS,
    UID_MAXIMUM,
    is_nhs_number,
    mail_address,
    nhs_number,
    ods_code,
    study_uid,
)
from governance.vocabulary.reasons import ReasonClass, ReasonCode
from governance.vocabulary.words import (
    SYSTEM,
    Action,
    AgreementStatus,
    AlertKind,
    AlertState,
    Attestation,
    Capacity,
    DecisionScope,
    EventKind,
    Label,
    Modality,
    Outcome,
    PartyRole,
    Purpose,
    RelationshipKind,
    Role,
    Scope,
    Severity,
    SubjectType,
    Verdict,
)

__all__ = [
    "DEFAULT_PORTS",
    "SYSTEM",
    "UID_MAXIMUM",
    "Action",
    "AgreementStatus",
    "AlertKind",
    "AlertState",
    "Attestation",
    "Capacity",
    "DecisionScope",
    "EventKind",
    "Label",
    "Modality",
    "Outcome",
    "PartyRole",
    "Purpose",
    "ReasonClass",
    "ReasonCode",
    "RelationshipKind",
    "Role",
    "Scope",
    "Severity",
    "SubjectType",
    "Verdict",
    "is_nhs_number",
    "mail_address",
    "nhs_number",
    "ods_code",
    "study_uid",
]
