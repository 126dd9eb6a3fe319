"""W6: glass was broken; the trusts that own the images learn of each use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from governance.alerts import Finding
from governance.audit.event import JsonValue, RecordedEvent
from governance.detection import acts
from governance.detection.facts import Context
from governance.detection.rule import Rule
from governance.detection.state import RuleState, Value
from governance.vocabulary import SYSTEM, EventKind, Severity

GRANTED = "break_glass.granted"
_ENDED = "revoke"
_STOPPED = "110138"  # DICOM PS3.16, Emergency Override Stopped


@dataclass(frozen=True, slots=True)
class BreakGlassUsed:
    """Fires at once, at every use: an emergency that was opened, and a grant of minutes when it is given.

    A use that the agreement's sample chose must be reviewed and counts as medium; another is listed as low. A use whose
    record does not say, or that another system reports, must be reviewed.

    Args:
        system: the source whose word counts on the sample: this service.
    """

    system: str = SYSTEM
    id = "break_glass_used"
    family = "break_glass"
    severity = Severity.MEDIUM
    window = timedelta(0)
    kinds = acts.LOOKS | {EventKind.BREAK_GLASS, EventKind.DECISION}

    def observe(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Finding]:
        """Report the use, with whom it concerns and whether it must be reviewed."""
        if event.subject is None or not acts.succeeded(event) or not broke_glass(event):
            return ()
        given = event.detail.get("emergency")
        emergency: Mapping[str, JsonValue] = given if isinstance(given, Mapping) else {}
        chosen = event.source.id != self.system or emergency.get("review") is not False
        who = acts.spoken_role(event)
        given = event.detail.get("act") == "grant"
        done = f"was given to {who} for some minutes" if given else f"was used by {who}"
        evidence = [acts.certain("emergency_access", f"Emergency access {done}; a reason was stated and is sealed.")]
        if chosen:
            sentence = "The agreement's sample, or the lack of one, puts this use among those a person must review."
            evidence.append(acts.certain("mandatory_review", sentence))
        severity = Severity.MEDIUM if chosen else Severity.LOW
        found = acts.finding(self, [event], evidence, about=acts.patient_of(event), severity=severity)
        return (replace(found, trusts=acts.distinct((*found.trusts, *_owners(emergency)))),)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Nothing is deferred."""
        return ()


def broke_glass(event: RecordedEvent) -> bool:
    """Say whether an event shows glass broken: not asked for, not refused, not needless, and not ended."""
    if event.kind is EventKind.BREAK_GLASS:
        codes = event.detail.get("event_types")
        stopped = isinstance(codes, list | tuple) and _STOPPED in codes
        return event.detail.get("act") != _ENDED and not stopped
    if event.kind is EventKind.DECISION and event.detail.get("permit") is False:
        return False
    reasons = event.detail.get("reasons")
    if not isinstance(reasons, list | tuple):
        return event.break_glass
    return GRANTED in reasons and (event.break_glass or event.kind is EventKind.DECISION)


def _owners(emergency: Mapping[str, JsonValue]) -> tuple[str, ...]:
    owners = emergency.get("owners")
    if not isinstance(owners, Sequence) or isinstance(owners, str):
        return ()
    return tuple(owner for owner in owners if isinstance(owner, str))


RULE: Rule = BreakGlassUsed()
