"""Codes in plain English, for people who read law and not programs.

Every member of every enumeration shown in the console has its words here, but reason codes, which carry their own
sentence; a test holds that complete.
"""

from collections.abc import Mapping

from governance.agreements import Transition
from governance.alerts import Change, ClosedBy, SuppressionKind
from governance.impact.comparison import Effect
from governance.vocabulary import (
    SYSTEM,
    Action,
    AgreementStatus,
    AlertKind,
    AlertState,
    Capacity,
    EventKind,
    Outcome,
    PartyRole,
    Purpose,
    ReasonCode,
    Role,
    Severity,
    Verdict,
)

__all__ = ["SYSTEM"]  # who acts when the service itself does

ACTIONS: Mapping[Action, str] = {
    Action.ANNOTATE: "annotate images",
    Action.DELETE: "delete images",
    Action.EXPORT: "take images out of the archive",
    Action.READ: "look at images",
    Action.REPORT: "report images",
    Action.SEARCH: "search for studies",
}

SEALED_FIELDS: Mapping[str, str] = {
    "break_glass_reason": "Reason for emergency access",
    "patient": "Patient's NHS number",
    "series_uid": "Series",
    "study_uid": "Study",
    "subject": "User",
}

PURPOSES: Mapping[Purpose, str] = {
    Purpose.BTG: "Emergency access (break-glass)",
    Purpose.CAREMGT: "Managing care",
    Purpose.ETREAT: "Emergency treatment",
    Purpose.HLEGAL: "Legal proceedings",
    Purpose.HOPERAT: "Running the service",
    Purpose.HQUALIMP: "Improving quality",
    Purpose.HRESCH: "Research",
    Purpose.HSYSADMIN: "Running the systems",
    Purpose.PATRQT: "Request of the patient",
    Purpose.PUBHLTH: "Public health",
    Purpose.TRAIN: "Training",
    Purpose.TREAT: "Direct care",
}

ROLES: Mapping[Role, str] = {
    Role.AI_SERVICE: "AI service",
    Role.CLINICIAN: "Clinician",
    Role.CONSULTANT_RADIOLOGIST: "Consultant radiologist",
    Role.IG_OFFICER: "Information governance officer",
    Role.MDT_COORDINATOR: "MDT coordinator",
    Role.NURSE: "Nurse",
    Role.PACS_ADMIN: "PACS administrator",
    Role.RADIOGRAPHER: "Radiographer",
    Role.REPORTING_RADIOGRAPHER: "Reporting radiographer",
    Role.RESEARCHER: "Researcher",
    Role.SERVICE: "Service",
    Role.SOC_ANALYST: "Security operations analyst",
}

EVENT_KINDS: Mapping[EventKind, str] = {
    EventKind.ACCESS: "Images opened",
    EventKind.AUDIT_READ: "Audit log read",
    EventKind.BREAK_GLASS: "Break-glass used",
    EventKind.CONFIG: "Setting changed",
    EventKind.DECISION: "Access decided",
    EventKind.DELETE: "Images deleted",
    EventKind.EXPORT: "Images exported",
    EventKind.IMPORT: "Images received",
    EventKind.LOGIN: "Signed in",
    EventKind.LOGOUT: "Signed out",
    EventKind.NODE_AUTH: "System identified itself",
    EventKind.PRINT: "Images printed",
    EventKind.QUERY: "Studies searched for",
    EventKind.RECORDING: "Recording started or stopped",
    EventKind.SECURITY_ALERT: "Security alert",
    EventKind.TOKEN: "Access token",
}

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.MAJOR: "Failed: action not available",
    Outcome.MINOR: "Failed: minor",
    Outcome.SERIOUS: "Refused or failed",
    Outcome.SUCCESS: "Success",
}

SEVERITIES: Mapping[Severity, str] = {
    Severity.CRITICAL: "Critical",
    Severity.HIGH: "High",
    Severity.LOW: "Low",
    Severity.MEDIUM: "Medium",
}

ALERT_STATES: Mapping[AlertState, str] = {
    AlertState.CLOSED: "Closed",
    AlertState.INVESTIGATING: "Being looked into",
    AlertState.NEW: "New",
}

ALERT_KINDS: Mapping[AlertKind, str] = {
    AlertKind.ALERT: "Alert",
    AlertKind.NOTICE: "Notice",
}

CAPACITIES: Mapping[Capacity, str] = {
    Capacity.CONTROLLER: "answers for the images",
    Capacity.EMPLOYER: "employs who acted",
    Capacity.SPONSOR: "answers for the service or the agreement",
}

ENDINGS: Mapping[ClosedBy, str] = {
    ClosedBy.JOINED: "Part of another alert",
    ClosedBy.REGION: "Closed by the region for all",
    ClosedBy.VERDICTS: "Every trust has given its verdict",
    ClosedBy.WITHDRAWN: "Explained since",
}

HISTORY: Mapping[Change, str] = {
    Change.ASSIGNED: "took charge",
    Change.CLOSED: "closed it",
    Change.COMMENTED: "wrote",
    Change.ESCALATED: "More was found",
    Change.GAINED: "Something was added",
    Change.JOINED: "It became part of another alert",
    Change.JUDGED: "gave a verdict",
    Change.OPENED: "It was raised",
    Change.REOPENED: "It was opened again",
    Change.SOFTENED: "Some of it was explained",
    Change.SUPPRESSED: "It was held back",
    Change.UNCHANGED: "Nothing changed",
    Change.UNMASKED: "saw who this is",
    Change.WITHDRAWN: "All of it was explained, so it closed by itself",
}

SUPPRESSION_KINDS: Mapping[SuppressionKind, str] = {
    SuppressionKind.KNOWN_RELATION: "I vouch that this person has a reason to look at this patient's images",
    SuppressionKind.SUPPRESSION: "Findings of a detector should be held back for a while",
}

SUPPRESSION_STATES: Mapping[str, str] = {
    "ended": "Ended",
    "expired": "Over",
    "in_force": "In force",
    "waiting": "Waits for a second person",
}

SUPPRESSION_COLOURS: Mapping[str, str] = {"ended": "grey", "expired": "grey", "in_force": "green", "waiting": "yellow"}

EXPLANATIONS: Mapping[str, str] = {
    "degraded": "a feed was silent, so nobody can say yet",
    "pending": "not yet explained",
    "unexplained": "no reason on record",
}

VERDICTS: Mapping[Verdict, str] = {
    Verdict.JUSTIFIED: "Justified",
    Verdict.UNCLEAR: "Unclear",
    Verdict.UNJUSTIFIED: "Not justified",
}

VERDICT_HINTS: Mapping[Verdict, str] = {
    Verdict.JUSTIFIED: "There was a proper reason for the access.",
    Verdict.UNCLEAR: "There is not enough to tell. Say what is missing.",
    Verdict.UNJUSTIFIED: "There was no proper reason. Follow your trust's procedure for a breach.",
}

AGREEMENT_STATUSES: Mapping[AgreementStatus, str] = {
    AgreementStatus.ACTIVE: "Active",
    AgreementStatus.DRAFT: "Draft",
    AgreementStatus.EXPIRED: "Expired",
    AgreementStatus.SIGNED: "Signed",
    AgreementStatus.SUSPENDED: "Suspended",
    AgreementStatus.TERMINATED: "Terminated",
}

PARTY_ROLES: Mapping[PartyRole, str] = {
    PartyRole.CONTROLLER: "Controller",
    PartyRole.JOINT: "Joint controller",
    PartyRole.PROCESSOR: "Processor",
}

TRANSITIONS: Mapping[Transition, str] = {
    Transition.ACTIVATE: "Came into force",
    Transition.EXPIRE: "Expired",
    Transition.LOAD: "Put on file",
    Transition.SIGN: "Signed by a party",
    Transition.SUPERSEDE: "Replaced by a newer version",
    Transition.SUSPEND: "Suspended",
    Transition.TERMINATE: "Ended",
}

SUPPOSITIONS: Mapping[Transition, str] = {
    Transition.ACTIVATE: "This version comes into force",
    Transition.SUSPEND: "It is suspended",
    Transition.TERMINATE: "It is ended for good",
}

SUPPOSITION_HINTS: Mapping[Transition, str] = {
    Transition.ACTIVATE: "As if every party had signed it. It takes the place of every older version.",
    Transition.SUSPEND: "Nothing is allowed under it until it is brought back.",
    Transition.TERMINATE: "Nothing is allowed under it any more.",
}

NOTHING_ASKED = (
    "No decision of this period could be asked again, so this tells nothing about who would gain or lose access."
)

EFFECTS: Mapping[Effect, str] = {
    Effect.GAINS: "Would gain access",
    Effect.LOSES: "Would lose access",
    Effect.MAY_GAIN: "May gain access",
    Effect.MAY_LOSE: "May lose access",
}

EFFECT_NOTES: Mapping[Effect, str] = {
    Effect.GAINS: "Refused at the time, allowed after the change.",
    Effect.LOSES: "Allowed at the time, refused after the change.",
    Effect.MAY_GAIN: "Refused at the time. It depends on something the log does not hold, such as how they signed in.",
    Effect.MAY_LOSE: "Allowed at the time. It depends on something the log does not hold, such as how they signed in.",
}

SEVERITY_COLOURS: Mapping[Severity, str] = {
    Severity.CRITICAL: "red",
    Severity.HIGH: "orange",
    Severity.LOW: "grey",
    Severity.MEDIUM: "yellow",
}

ALERT_STATE_COLOURS: Mapping[AlertState, str] = {
    AlertState.CLOSED: "grey",
    AlertState.INVESTIGATING: "purple",
    AlertState.NEW: "blue",
}

VERDICT_COLOURS: Mapping[Verdict, str] = {
    Verdict.JUSTIFIED: "green",
    Verdict.UNCLEAR: "yellow",
    Verdict.UNJUSTIFIED: "red",
}

AGREEMENT_COLOURS: Mapping[AgreementStatus, str] = {
    AgreementStatus.ACTIVE: "green",
    AgreementStatus.DRAFT: "grey",
    AgreementStatus.EXPIRED: "orange",
    AgreementStatus.SIGNED: "blue",
    AgreementStatus.SUSPENDED: "red",
    AgreementStatus.TERMINATED: "grey",
}


def explanation_name(kind: str) -> str:
    """Give what explains a look in words."""
    return EXPLANATIONS.get(kind, f"explained by: {kind.replace('_', ' ')}")


def reason_sentence(code: str) -> str:
    """Give a reason code's sentence; a code this release does not know is shown as it is."""
    try:
        return ReasonCode(code).sentence
    except ValueError:
        return f"Reason {code}."


def role_name(role: str | None) -> str | None:
    """Give a role's name; a role of another system's vocabulary is shown as it is."""
    if role is None:
        return None
    try:
        return ROLES[Role(role)]
    except ValueError:
        return role


def purpose_name(purpose: str) -> str:
    """Give a purpose's name; one of another vocabulary is shown as it is."""
    try:
        return PURPOSES[Purpose(purpose)]
    except ValueError:
        return purpose


def action_name(action: str) -> str:
    """Give an action's words; one of another vocabulary is shown as it is."""
    try:
        return ACTIONS[Action(action)]
    except ValueError:
        return action


OBLIGATIONS: Mapping[str, str] = {
    "filter_results": "Leave out of the results what the clause does not cover.",
    "notification": "Tell the privacy officers of the trust that keeps the images.",
    "review": "A person reviews a share of these uses.",
    "step_up": "Sign in again, more strongly.",
    "watermark": "Mark the images with who opened them.",
}


def obligation_sentence(kind: str) -> str:
    """Give an obligation's words; one without words of its own is shown as it is named."""
    return OBLIGATIONS.get(kind, kind.replace("_", " ").capitalize())
