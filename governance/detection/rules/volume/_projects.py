"""What an approved project explains of images taken out: what is inside its bounds, and no more."""

from __future__ import annotations

from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.knowledge.facts import Context, Tie, Who
from governance.detection.reader.state import RuleState
from governance.detection.windows import DAY, moment
from governance.vocabulary import RelationshipKind

UNBOUNDED = 100  # studies a day that a project without a size explains
_KEPT = 2_000  # studies of a project that are told apart; more are counted
_LASTS = 120 * DAY


def covered(event: RecordedEvent, what: str, context: Context, state: RuleState) -> bool:
    """Say whether an approved project takes this out; what it took out is counted against its size.

    Args:
        event: the export.
        what: the study, or what stands for it.
        context: gives the projects that held then, for this person or service and these images.
        state: the memory of the rule.
    """
    if event.subject is None:
        return False
    ties = context.ties(
        Who(event.subject.id, event.subject.ods),
        acts.patient_of(event),
        acts.study_of(event),
        acts.custodian_of(event),
        event.time,
    )
    projects = sorted((tie for tie in ties if tie.kind is RelationshipKind.PROJECT), key=lambda tie: tie.id)
    return any(_inside(tie, event) and _fits(tie, what, moment(event), state) for tie in projects)


def _inside(project: Tie, event: RecordedEvent) -> bool:
    """Compare purpose and destination; one that the project does not name bounds nothing, one unsaid fits none."""
    purpose = event.purpose.value if event.purpose else None
    return project.purpose in {None, purpose} and project.destination in {None, event.destination}


def _fits(project: Tie, what: str, at: int, state: RuleState) -> bool:
    """Count a study against the size of a project, or of its day when it has none."""
    sized = project.limit is not None
    most = project.limit if project.limit is not None else UNBOUNDED
    key = f"project:{project.id}" if sized else f"project:{project.id}|{at // DAY}"
    value = state.get(key) or {"studies": {}, "more": 0}
    if what in value["studies"]:
        return True
    if len(value["studies"]) + value["more"] >= most:
        return False
    if len(value["studies"]) < _KEPT:
        value["studies"][what] = 1
    else:
        value["more"] += 1
    state.put(key, value, at + (_LASTS if sized else 2 * DAY))
    return True
