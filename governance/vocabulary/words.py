"""The field's words: enumerations with a grammar, alphabetical.

Sources: HL7 v3 ActReason (purposes), DICOM PS3.3 C.7.3.1.1.1 (modalities), PS3.15 A.5 (outcomes).
"""

from enum import StrEnum
from typing import Self

SYSTEM = "imaging-governance"  # this service as a source of audit events


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


class Attestation(StrEnum):
    """What a registered service may attest of people: how strongly they signed in, whether their device is managed."""

    ASSURANCE = "assurance"
    DEVICE = "device"


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
    """The state of an agreement version in its life cycle."""

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


class AlertKind(StrEnum):
    """What an alert asks of people: an ``alert`` wants a verdict; a ``notice`` tells, and is no accusation."""

    ALERT = "alert"
    NOTICE = "notice"


class AlertState(StrEnum):
    """The state of an alert's review."""

    CLOSED = "closed"
    INVESTIGATING = "investigating"
    NEW = "new"


class Capacity(StrEnum):
    """In what capacity a trust gives its verdict on an alert.

    The employer answers for who acted, the controller for the images, the sponsor for a service or an agreement.
    """

    CONTROLLER = "controller"
    EMPLOYER = "employer"
    SPONSOR = "sponsor"


class DecisionScope(StrEnum):
    """What one decision covers: its study, or all studies of its patient at one visit."""

    PATIENT = "patient"
    STUDY = "study"


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
    ERASURE_HOLD = "erasure.hold"
    FEDERATION_READ = "federation.read"
    FEDERATION_WRITE = "federation.write"
    INQUIRIES_ANSWER = "inquiries.answer"  # of a person who was asked, at the console; no service needs it
    LOG_READ = "log.read"
    LOG_REPLICATE = "log.replicate"
    METRICS_READ = "metrics.read"
    TENANTS_EVALUATE = "tenants.evaluate"
    TOKENS_INTROSPECT = "tokens.introspect"
