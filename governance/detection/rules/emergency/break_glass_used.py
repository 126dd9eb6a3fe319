"""W6: glass was broken; the trusts that own the images are told of each use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Finding, Review
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.state import RuleState, Value
from governance.detection.rule import Rule
from governance.vocabulary import SYSTEM, AlertKind, EventKind, Severity


@dataclass(frozen=True, slots=True)
class BreakGlassUsed:
    """Fires at once, at every use: an emergency that was opened, and a grant of minutes when it is given. A notice.

    A use that the agreement's sample chose must be reviewed and counts as medium; another is listed as low. A use whose
    record does not say, or that another system reports, must be reviewed: whether one is drawn is this service's word.

    Args:
        system: the source whose word counts on the sample: this service.
        review_within: event time until when a person should have looked.
    """

    system: str = SYSTEM
    review_within: timedelta = timedelta(days=14)
    id = "break_glass_used"
    family = "break_glass"
    severity = Severity.MEDIUM
    window = timedelta(0)
    kinds = acts.LOOKS | {EventKind.BREAK_GLASS, EventKind.DECISION}

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Report the use, with whom it concerns and whether it must be reviewed."""
        event = look.event
        if event.subject is None or not acts.succeeded(event) or acts.goes_on(event) or not acts.broke_glass(event):
            return ()
        chosen = event.source.id != self.system or acts.emergency_of(event).get("review") is not False
        staff = acts.known(event, context)
        who = acts.spoken_role(event, staff)
        given = event.detail.get("act") == "grant"
        done = f"was given to {who} for some minutes" if given else f"was used by {who}"
        evidence = [acts.certain("emergency_access", f"Emergency access {done}; a reason was stated and is sealed.")]
        if chosen:
            sentence = "The agreement's sample, or the lack of one, puts this use among those a person must review."
            evidence.append(acts.certain("mandatory_review", sentence))
        return (
            acts.finding(
                self,
                [event],
                evidence,
                about=acts.patient_of(event),
                severity=Severity.MEDIUM if chosen else Severity.LOW,
                kind=AlertKind.NOTICE,
                review=Review(chosen, event.time + self.review_within if chosen else None),
                trusts=(*acts.owners_of(event), *((staff.ods,) if staff else ())),
            ),
        )

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Nothing is deferred."""
        return ()


RULE: Rule = BreakGlassUsed()
