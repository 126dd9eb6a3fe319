"""AI1: an AI service reads what its approved manifest does not cover, or more of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.facts import Context, ManifestFacts, StudyFacts
from governance.detection.rule import Rule
from governance.detection.state import MICROSECOND, RuleState, Value
from governance.detection.waiting import from_value, to_value
from governance.storage import to_microseconds
from governance.vocabulary import Severity, SubjectType

_DAY = timedelta(days=1) // MICROSECOND
_SHORT = 12  # characters of a study's pseudonym kept to count distinct studies: 60 bits


@dataclass(frozen=True, slots=True)
class AiOutsideManifest:
    """Fires at once, read by read; a volume over the manifest's fires at the first read over it and at each doubling.

    Days are days of event time in UTC. The catalogue's word on a study counts before the event's own.
    """

    id = "ai_outside_manifest"
    family = "ai_scope"
    severity = Severity.HIGH
    window = timedelta(days=1)
    kinds = acts.LOOKS

    def observe(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Finding]:
        """Hold a read of an AI service against its manifest."""
        if event.subject is None or event.subject.type is not SubjectType.AI_SERVICE or not acts.succeeded(event):
            return ()
        service = event.subject.id
        claimed = event.detail.get("ai_version")
        manifest = context.manifest(service, claimed if isinstance(claimed, str) else None, event.time)
        if manifest is None:
            sentence = "An AI service for which no manifest is registered read images."
            evidence = [acts.certain("manifest_missing", sentence, observed="none", expected="an approved manifest")]
            return (acts.finding(self, [event], evidence, about=service, severity=Severity.CRITICAL),)
        name = acts.study_of(event)
        study = context.study(name) if name else None
        breaches = [*_scope(event, study, manifest)]
        found = [acts.finding(self, [event], breaches, about=service)] if breaches else []
        return [*found, *self._volume(event, manifest, state)]

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """At the end of a day over volume, say how much it came to."""
        if not value["told"] or value["count"] == value["told"]:
            return ()
        return (self._over(value),)

    def _volume(self, event: RecordedEvent, manifest: ManifestFacts, state: RuleState) -> Iterable[Finding]:
        subject, name = event.subject, acts.study_of(event)
        if subject is None or name is None:
            return ()
        day = to_microseconds(event.time) // _DAY
        key = f"{subject.id}|{day}"
        value = state.get(key) or {"studies": {}, "count": 0, "told": 0, "events": [], "limit": manifest.daily_volume}
        short = name[-_SHORT:]
        if short in value["studies"]:
            return ()
        value["studies"][short] = 1
        value["count"] += 1
        over = value["count"] > manifest.daily_volume
        if over:
            value["limit"] = manifest.daily_volume
            value["events"].append(to_value(event))
        tell = over and (not value["told"] or value["count"] >= 2 * value["told"])
        found = []
        if tell:
            value["told"] = value["count"]
            found.append(self._over(value))
            value["events"] = []
        state.put(key, value, (day + 1) * _DAY)
        return found

    def _over(self, value: Value) -> Finding:
        events = [from_value(item) for item in value["events"]]
        service = events[0].subject.id if events[0].subject else ""
        sentence = (
            f"The AI service read {value['count']} studies in one day; its manifest allows {value['limit']}: "
            f"{value['count'] - value['limit']} too many."
        )
        evidence = Evidence("volume", value["count"], value["limit"], 0, None, sentence)
        return acts.finding(self, events, [evidence], about=service)


def _scope(event: RecordedEvent, study: StudyFacts | None, manifest: ManifestFacts) -> Iterable[Evidence]:
    """Compare one read with the manifest; what neither the catalogue nor the event says is no breach."""
    resource = event.resource
    modality = (study.modality if study else None) or (resource.modality if resource else None)
    body_part = (study.body_part if study else None) or (resource.body_part if resource else None)
    if not manifest.approved:
        sentence = "The version of the AI service that read the images was not approved at the time."
        yield acts.certain("version_not_approved", sentence, observed="not approved", expected="approved")
    if modality is not None and modality not in manifest.modalities:
        yield _outside("modality", modality, manifest.modalities)
    if body_part is not None and body_part not in manifest.body_parts:
        yield _outside("body part", body_part, manifest.body_parts)
    custodian = acts.custodian_of(event)
    custodians = {custodian} if custodian else set(study.custodians if study else ())
    if custodians and not custodians & manifest.trusts:
        yield _outside("trust", ", ".join(sorted(custodians)), manifest.trusts)


def _outside(what: str, seen: str, allowed: frozenset[str]) -> Evidence:
    listed = ", ".join(sorted(allowed))
    sentence = f"The AI service read images of {what} {seen}; its manifest covers {listed or 'none'}."
    return acts.certain(what.replace(" ", "_"), sentence, observed=seen, expected=listed)


RULE: Rule = AiOutsideManifest()
