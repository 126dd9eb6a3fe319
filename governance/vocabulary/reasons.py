"""Reason codes: why a decision is what it is, each declared once with its sentence and its classes.

A class is what follows from a code, wherever it is met. Code that acts on reasons asks the code for its class and keeps
no list of codes of its own. A new code is a line here, the rule that gives it, its row in ``docs/reason-codes.md`` and
a row of ``tests/policy/tables``.
"""

from enum import StrEnum
from typing import Self


class ReasonClass(StrEnum):
    """What follows from a reason code; a code is of several classes, of one or of none."""

    ABOUT_PATIENT = "about_patient"
    """It would tell a caller something of the patient or of what the archive holds."""
    CURABLE = "curable"
    """A person may override it by breaking the glass with a reason, where the clause allows it."""
    LACKS_DATA = "lacks_data"
    """The engine has no policy data, or other data than it should have."""
    OUTSIDE_POLICY = "outside_policy"
    """The policy had no part in the decision, so it cannot be replayed."""
    PERMITS = "permits"
    """It is a ground to permit; every other code is a ground to deny."""
    TRANSIENT = "transient"
    """The same request may be asked again in a moment."""
    UNDECIDED = "undecided"
    """Nothing was decided: a search that meets it is unavailable and not empty."""


_Is = ReasonClass


class ReasonCode(StrEnum):
    """Why a decision is what it is, ``concern.detail``; ``docs/reason-codes.md`` says each in two voices.

    ``sentence`` says it to the readers of the console; the other attributes are its classes.
    """

    _value_: str
    sentence: str
    about_patient: bool
    curable: bool
    lacks_data: bool
    outside_policy: bool
    permits: bool
    transient: bool
    undecided: bool

    ACTION_NOT_COVERED = "action.not_covered", "The agreement does not allow this kind of use."
    AGREEMENT_NONE = "agreement.none", "No agreement covers these trusts and this purpose."
    AGREEMENT_NOT_ACTIVE = "agreement.not_active", "The agreement that would cover this is suspended, expired or ended."
    AGREEMENT_PERMITS = "agreement.permits", "The agreement allows it.", _Is.PERMITS
    AI_BODY_PART = "ai.body_part", "The AI service is not approved for this body part."
    AI_MODALITY = "ai.modality", "The AI service is not approved for this kind of scan."
    AI_NO_MANIFEST = "ai.no_manifest", "The AI service has no approved manifest."
    AI_NOT_APPROVED = "ai.not_approved", "The AI service is not approved under this agreement."
    AI_TRUST = "ai.trust", "The AI service is not approved for this trust's images."
    AI_VERSION = "ai.version", "This version of the AI service is not approved."
    AI_VOLUME = "ai.volume", "The AI service has read as many studies today as it may."
    ASKER_NOT_ENTITLED = (
        "asker.not_entitled",
        "The system asking may not ask about people of that trust.",
        _Is.OUTSIDE_POLICY,
    )
    ASSURANCE_TOO_LOW = "assurance.too_low", "The person signed in less strongly than the agreement asks for."
    ATTRIBUTES_UNAVAILABLE = (
        "attributes.unavailable",
        "Facts needed to decide could not be read.",
        _Is.OUTSIDE_POLICY,
        _Is.TRANSIENT,
        _Is.UNDECIDED,
    )
    AUDIT_UNAVAILABLE = "audit.unavailable", "The access could not be recorded, so it was not allowed."
    BODY_PART_NOT_COVERED = "body_part.not_covered", "The agreement does not cover this body part."
    BREAK_GLASS_GRANTED = (
        "break_glass.granted",
        "Allowed as an emergency, with a reason. It will be reviewed.",
        _Is.PERMITS,
    )
    BREAK_GLASS_NO_REASON = "break_glass.no_reason", "Emergency access was asked for without a reason."
    BREAK_GLASS_NOT_ALLOWED = "break_glass.not_allowed", "The agreement does not allow emergency access."
    BREAK_GLASS_REQUIRED = (
        "break_glass.required",
        "This record opens only as an emergency, with a reason.",
        _Is.ABOUT_PATIENT,
        _Is.CURABLE,
    )
    DEVICE_UNMANAGED = "device.unmanaged", "The device is not one the trust manages."
    ENGINE_INVALID_ANSWER = (
        "engine.invalid_answer",
        "The policy engine gave an answer that makes no sense, so it was not allowed.",
        _Is.OUTSIDE_POLICY,
        _Is.TRANSIENT,
        _Is.UNDECIDED,
    )
    ENGINE_TIMEOUT = (
        "engine.timeout",
        "The policy engine took too long, so it was not allowed.",
        _Is.OUTSIDE_POLICY,
        _Is.TRANSIENT,
        _Is.UNDECIDED,
    )
    ENGINE_UNAVAILABLE = (
        "engine.unavailable",
        "The policy engine could not be reached, so it was not allowed.",
        _Is.OUTSIDE_POLICY,
        _Is.TRANSIENT,
        _Is.UNDECIDED,
    )
    ENGINE_UNDEFINED = (
        "engine.undefined",
        "The policy gave no answer, so it was not allowed.",
        _Is.LACKS_DATA,
        _Is.OUTSIDE_POLICY,
        _Is.UNDECIDED,
    )
    ENGINE_UNTRUSTED = (
        "engine.untrusted",
        "The policy engine holds rules that are not the service's own, so it was not allowed.",
        _Is.OUTSIDE_POLICY,
        _Is.TRANSIENT,
        _Is.UNDECIDED,
    )
    HOURS_OUTSIDE = "hours.outside", "It is outside the hours the agreement allows.", _Is.CURABLE
    LABEL_EXCLUDED = "label.excluded", "The agreement leaves out records marked like this one.", _Is.ABOUT_PATIENT
    MODALITY_NOT_COVERED = "modality.not_covered", "The agreement does not cover this kind of scan."
    OBLIGATION_UNSUPPORTED = (
        "obligation.unsupported",
        "The system asking cannot keep a condition of the agreement.",
        _Is.OUTSIDE_POLICY,
    )
    OPT_OUT_APPLIES = "opt_out.applies", "The patient has opted out of uses beyond their own care.", _Is.ABOUT_PATIENT
    OPT_OUT_UNKNOWN = "opt_out.unknown", "It is not known whether the patient has opted out.", _Is.ABOUT_PATIENT
    POLICY_STALE = (
        "policy.stale",
        "The policy was out of date, so it was not allowed.",
        _Is.LACKS_DATA,
        _Is.OUTSIDE_POLICY,
        _Is.TRANSIENT,
    )
    PRIORS_OUTSIDE_WINDOW = "priors.outside_window", "The study is older than the agreement allows.", _Is.CURABLE
    RELATIONSHIP_NONE = (
        "relationship.none",
        "Nothing on record shows that this person cares for this patient.",
        _Is.CURABLE,
    )
    RELATIONSHIP_SELF_CLAIMED = (
        "relationship.self_claimed",
        "The person said themselves that they care for this patient.",
        _Is.PERMITS,
    )
    REQUEST_REFUSED = "request.refused", "The request was refused."
    RESOURCE_NO_OWNER = "resource.no_owner", "No trust is on record as keeping this study.", _Is.ABOUT_PATIENT
    RESOURCE_UNKNOWN = "resource.unknown", "The study is not on record.", _Is.ABOUT_PATIENT
    ROLE_NOT_COVERED = "role.not_covered", "The agreement does not cover this role."
    SUBJECT_ORGANISATION_UNKNOWN = "subject.organisation_unknown", "The person's organisation is not on record."
    SUBJECT_UNKNOWN = "subject.unknown", "The person or service is not on record."
    TOKEN_REVOKED = "token.revoked", "The token that came with the request had been revoked.", _Is.OUTSIDE_POLICY
    TRAINING_EXPIRED = "training.expired", "The person's data security training is out of date."
    TRAINING_UNKNOWN = "training.unknown", "It is not known whether the person's data security training is in date."

    def __new__(cls, code: str, sentence: str = "", *classes: ReasonClass) -> Self:
        """Make the code; each class is a plain attribute, for requests read them. A look-up by value makes nothing."""
        made = str.__new__(cls, code)
        made._value_ = code
        made.sentence = sentence
        for one in ReasonClass:
            setattr(made, one.value, one in classes)
        return made
