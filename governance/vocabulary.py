"""The field's words: enumerations with a grammar, alphabetical, and validators for its identifiers.

Sources: HL7 v3 ActReason (purposes), DICOM PS3.3 C.7.3.1.1.1 (modalities), PS3.5 section 9.1 (UIDs),
PS3.15 A.5 (outcomes), NHS Data Dictionary (ODS codes, NHS numbers).
"""

import re
from enum import StrEnum
from typing import Self

_ODS = re.compile(r"[A-Z0-9]{3,10}")
_NHS_NUMBER = re.compile(r"[0-9]{10}")
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
SYSTEM = "imaging-governance"  # this service as a source of audit events
UID_MAXIMUM = 64  # characters, DICOM PS3.5 section 9.1


class Action(StrEnum):
    """What may be done with images."""

    ANNOTATE = "annotate"
    DELETE = "delete"
    EXPORT = "export"
    READ = "read"
    REPORT = "report"
    SEARCH = "search"


class Purpose(StrEnum):
    """Purpose of use: the HL7 v3 ActReason codes the network works with."""

    BTG = "BTG"
    CAREMGT = "CAREMGT"
    ETREAT = "ETREAT"
    HLEGAL = "HLEGAL"
    HOPERAT = "HOPERAT"
    HQUALIMP = "HQUALIMP"
    HRESCH = "HRESCH"
    HSYSADMIN = "HSYSADMIN"
    PATRQT = "PATRQT"
    PUBHLTH = "PUBHLTH"
    TRAIN = "TRAIN"
    TREAT = "TREAT"


class SubjectType(StrEnum):
    """Who acts."""

    AI_SERVICE = "ai_service"
    PRACTITIONER = "practitioner"
    SERVICE = "service"


class Role(StrEnum):
    """The role somebody acts in."""

    AI_SERVICE = "ai_service"
    CLINICIAN = "clinician"
    CONSULTANT_RADIOLOGIST = "consultant_radiologist"
    IG_OFFICER = "ig_officer"
    MDT_COORDINATOR = "mdt_coordinator"
    NURSE = "nurse"
    PACS_ADMIN = "pacs_admin"
    RADIOGRAPHER = "radiographer"
    REPORTING_RADIOGRAPHER = "reporting_radiographer"
    RESEARCHER = "researcher"
    SERVICE = "service"
    SOC_ANALYST = "soc_analyst"


class EventKind(StrEnum):
    """What an audit event records."""

    ACCESS = "access"
    AUDIT_READ = "audit_read"
    BREAK_GLASS = "break_glass"
    CONFIG = "config"
    DECISION = "decision"
    DELETE = "delete"
    EXPORT = "export"
    IMPORT = "import"
    LOGIN = "login"
    LOGOUT = "logout"
    NODE_AUTH = "node_auth"
    PRINT = "print"
    QUERY = "query"
    RECORDING = "recording"
    SECURITY_ALERT = "security_alert"
    TOKEN = "token"


class Outcome(StrEnum):
    """How the recorded act ended (DICOM PS3.15 A.5.2, EventOutcomeIndicator)."""

    MAJOR = "major"
    MINOR = "minor"
    SERIOUS = "serious"
    SUCCESS = "success"

    @property
    def dicom_code(self) -> int:
        """Give the EventOutcomeIndicator: 0, 4, 8 or 12."""
        return {"success": 0, "minor": 4, "serious": 8, "major": 12}[self.value]

    @classmethod
    def from_dicom_code(cls, code: int) -> Self:
        """Read an EventOutcomeIndicator; raises ValueError for any number but 0, 4, 8 and 12."""
        for outcome in cls:
            if outcome.dicom_code == code:
                return outcome
        raise ValueError("an event outcome is 0, 4, 8 or 12")


class RelationshipKind(StrEnum):
    """Why somebody may look: the evidence of a legitimate relationship."""

    EPISODE = "episode"
    MDT = "mdt"
    ORDER = "order"
    POOL = "pool"
    PROJECT = "project"
    REFERRAL = "referral"
    REPORT = "report"
    ROTA = "rota"
    WORKLIST = "worklist"


class Label(StrEnum):
    """Markings of a study that change who may open it."""

    DECOY = "decoy"
    SEALED = "sealed"
    SENSITIVE = "sensitive"


class Modality(StrEnum):
    """How images were made (DICOM PS3.3 C.7.3.1.1.1), the ones the region's archives hold."""

    CR = "CR"
    CT = "CT"
    DX = "DX"
    ES = "ES"
    IO = "IO"
    MG = "MG"
    MR = "MR"
    NM = "NM"
    OT = "OT"
    PT = "PT"
    PX = "PX"
    RF = "RF"
    SC = "SC"
    SR = "SR"
    US = "US"
    XA = "XA"


class AgreementStatus(StrEnum):
    """Where an agreement version stands in its life."""

    ACTIVE = "active"
    DRAFT = "draft"
    EXPIRED = "expired"
    SIGNED = "signed"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


class PartyRole(StrEnum):
    """A party's role under UK GDPR Articles 4, 26 and 28."""

    CONTROLLER = "controller"
    JOINT = "joint"
    PROCESSOR = "processor"


class Severity(StrEnum):
    """How soon an alert wants a person, in rising order of ``rank``."""

    CRITICAL = "critical"
    HIGH = "high"
    LOW = "low"
    MEDIUM = "medium"

    @property
    def rank(self) -> int:
        """Give the order: low 0, medium 1, high 2, critical 3."""
        return ("low", "medium", "high", "critical").index(self.value)


class AlertState(StrEnum):
    """Where an alert stands in its review."""

    CLOSED = "closed"
    INVESTIGATING = "investigating"
    NEW = "new"


class Verdict(StrEnum):
    """What a person concluded about an alert."""

    JUSTIFIED = "justified"
    UNCLEAR = "unclear"
    UNJUSTIFIED = "unjustified"


class Scope(StrEnum):
    """What a caller of the API may do, ``area.verb``."""

    ACCESS_EVALUATE = "access.evaluate"
    AGREEMENTS_READ = "agreements.read"
    AGREEMENTS_WRITE = "agreements.write"
    ALERTS_READ = "alerts.read"
    ALERTS_REVIEW = "alerts.review"
    AUDIT_READ = "audit.read"
    AUDIT_WRITE = "audit.write"
    BUNDLES_READ = "bundles.read"
    CONTEXT_WRITE = "context.write"
    FEDERATION_READ = "federation.read"
    FEDERATION_WRITE = "federation.write"
    LOG_READ = "log.read"
    METRICS_READ = "metrics.read"
    TENANTS_EVALUATE = "tenants.evaluate"
    TOKENS_INTROSPECT = "tokens.introspect"


class ReasonCode(StrEnum):
    """Why a decision is what it is, ``concern.detail``; ``docs/reason-codes.md`` says each in two voices."""

    ACTION_NOT_COVERED = "action.not_covered"
    AGREEMENT_NONE = "agreement.none"
    AGREEMENT_NOT_ACTIVE = "agreement.not_active"
    AGREEMENT_PERMITS = "agreement.permits"
    AI_BODY_PART = "ai.body_part"
    AI_MODALITY = "ai.modality"
    AI_NO_MANIFEST = "ai.no_manifest"
    AI_NOT_APPROVED = "ai.not_approved"
    AI_TRUST = "ai.trust"
    AI_VERSION = "ai.version"
    AI_VOLUME = "ai.volume"
    ASSURANCE_TOO_LOW = "assurance.too_low"
    ATTRIBUTES_UNAVAILABLE = "attributes.unavailable"
    AUDIT_UNAVAILABLE = "audit.unavailable"
    BODY_PART_NOT_COVERED = "body_part.not_covered"
    BREAK_GLASS_GRANTED = "break_glass.granted"
    BREAK_GLASS_NO_REASON = "break_glass.no_reason"
    BREAK_GLASS_NOT_ALLOWED = "break_glass.not_allowed"
    BREAK_GLASS_REQUIRED = "break_glass.required"
    DEVICE_UNMANAGED = "device.unmanaged"
    ENGINE_INVALID_ANSWER = "engine.invalid_answer"
    ENGINE_TIMEOUT = "engine.timeout"
    ENGINE_UNAVAILABLE = "engine.unavailable"
    ENGINE_UNDEFINED = "engine.undefined"
    HOURS_OUTSIDE = "hours.outside"
    LABEL_EXCLUDED = "label.excluded"
    MODALITY_NOT_COVERED = "modality.not_covered"
    OBLIGATION_UNSUPPORTED = "obligation.unsupported"
    OPT_OUT_APPLIES = "opt_out.applies"
    OPT_OUT_UNKNOWN = "opt_out.unknown"
    POLICY_STALE = "policy.stale"
    PRIORS_OUTSIDE_WINDOW = "priors.outside_window"
    RELATIONSHIP_NONE = "relationship.none"
    RELATIONSHIP_SELF_CLAIMED = "relationship.self_claimed"
    REQUEST_REFUSED = "request.refused"
    RESOURCE_NO_OWNER = "resource.no_owner"
    RESOURCE_UNKNOWN = "resource.unknown"
    ROLE_NOT_COVERED = "role.not_covered"
    SUBJECT_ORGANISATION_UNKNOWN = "subject.organisation_unknown"
    SUBJECT_UNKNOWN = "subject.unknown"
    TOKEN_REVOKED = "token.revoked"
    TRAINING_EXPIRED = "training.expired"
    TRAINING_UNKNOWN = "training.unknown"

    @property
    def about_patient(self) -> bool:
        """Say whether the code would tell a caller something of the patient or of what the archive holds."""
        return self in _ABOUT_PATIENT


_ABOUT_PATIENT = frozenset(
    {
        ReasonCode.BREAK_GLASS_REQUIRED,
        ReasonCode.LABEL_EXCLUDED,
        ReasonCode.OPT_OUT_APPLIES,
        ReasonCode.OPT_OUT_UNKNOWN,
        ReasonCode.RESOURCE_NO_OWNER,
        ReasonCode.RESOURCE_UNKNOWN,
    }
)


def ods_code(text: str) -> str:
    """Take an ODS organisation code (3 to 10 capital letters and digits) and give it back; raises ValueError."""
    if not _ODS.fullmatch(text):
        raise ValueError("an ODS code is 3 to 10 capital letters and digits")
    return text


def is_nhs_number(text: str) -> bool:
    """Say whether the text is a ten-digit NHS number with a right check digit (modulus 11)."""
    if not _NHS_NUMBER.fullmatch(text):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:9], range(10, 1, -1), strict=True))
    check = 11 - total % 11
    return check != 10 and check % 11 == int(text[9])


def nhs_number(text: str) -> str:
    """Take an NHS number, spaces allowed, and give its ten digits; the ValueError never repeats the number."""
    digits = text.replace(" ", "")
    if not is_nhs_number(digits):
        raise ValueError("an NHS number is ten digits with a modulus-11 check digit")
    return digits


def study_uid(text: str) -> str:
    """Take a DICOM UID and give it back; raises ValueError (PS3.5 section 9.1: digits and dots, 64 characters)."""
    if len(text) > UID_MAXIMUM or not _UID.fullmatch(text):
        raise ValueError("a DICOM UID is digits and dots, no component with a leading zero, 64 characters at most")
    return text
