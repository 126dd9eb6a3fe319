"""AI1: an AI service reads what its approved manifest does not cover, more of it, or another mix than before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context, ManifestFacts, StudyFacts
from governance.detection.peers.tail import share_surprise
from governance.detection.peers.usual import Habit
from governance.detection.reader.state import RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.rules.services._reads import MOST, READS, before, note, service_of, within_day
from governance.detection.windows import DAY, keep, moment, short
from governance.storage import from_microseconds
from governance.vocabulary import Severity

_VOLUME = Habit("volume", 50.0, among=False)
_EVENTS = 200
_KINDS = 50  # of studies, by modality and body part, that are told apart
_EACH = 20  # events of a kind that are kept for the day's end
_FADE = 0.9  # of a day's weight in the mix, each day


@dataclass(frozen=True, slots=True)
class AiOutsideManifest:
    """Fires at once, read by read; a volume fires at the first read over it and at each doubling; a mix at a day's end.

    The manifest is that of the version the service is registered to run: which version ran is the event's word, so it
    clears nothing. The catalogue's word on a study counts before the event's own. A day is any day of event time.

    Args:
        days: of reading that must be known before volume or mix is compared with what it was.
        factor: how many times its usual a volume or a share must be.
        bits, mix_bits: how surprising.
    """

    days: int = 7
    factor: float = 4.0
    bits: float = 16.0
    mix_bits: float = 60.0
    id = "ai_outside_manifest"
    family = "ai_scope"
    severity = Severity.HIGH
    window = timedelta(days=1)
    kinds = acts.LOOKS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Hold a read of an AI service against its manifest."""
        event = look.event
        service = service_of(event)
        if service is None:
            return ()
        said = event.detail.get("ai_version")
        claimed = context.manifest(service, said, event.time) if isinstance(said, str) else None
        manifest = context.manifest(service, None, event.time) or claimed
        if manifest is None:
            sentence = "An AI service for which no manifest is registered read images."
            evidence = [acts.certain("manifest_missing", sentence, observed="none", expected="an approved manifest")]
            return (acts.finding(self, [event], evidence, about=service, severity=Severity.CRITICAL),)
        name = acts.study_of(event)
        study = context.study(name) if name else None
        breaches: list[Evidence] = [*_scope(event, study, manifest)]
        severity = self.severity
        if breaches and claimed is not None and not [*_scope(event, study, claimed)]:
            breaches.append(_claimed(claimed, manifest))
            severity = Severity.MEDIUM
        if not breaches and isinstance(said, str) and (claimed is None or not claimed.approved):
            sentence = "The source says that a version ran for which there was no approval at the time."
            breaches.append(acts.certain("version_not_approved", sentence, observed="not approved"))
            severity = Severity.MEDIUM
        found = [acts.finding(self, [event], breaches, about=service, severity=severity)] if breaches else []
        return [*found, *self._volume(event, study, service, manifest, state)]

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """At the end of a day, say how much it came to and whether the mix is another, and learn from it."""
        service = READS.of(key)
        if service is None:
            return ()
        found = []
        if value["told"] and value["events"]:
            found.append(self._found(value, self._over(value["count"], value["limit"]), service))
        found += self._mix(service, value, state)
        _VOLUME.learn(state, service, value["count"], at // DAY - 1)
        return found

    def _volume(
        self, event: RecordedEvent, study: StudyFacts | None, service: str, manifest: ManifestFacts, state: RuleState
    ) -> Iterable[Finding]:
        name, at = acts.study_of(event), moment(event)
        value = READS.at(state, service, at) or {
            "seen": {}, "times": [], "count": 0, "told": {}, "events": [], "kinds": {}, "limit": manifest.daily_volume
        }  # fmt: skip
        earlier = before(state, service, at)
        if name is None or short(name) in value["seen"] or any(_read_lately(one, name, at) for one in earlier):
            return ()
        if len(value["seen"]) < MOST:
            value["seen"][short(name)] = at
        value["count"] += 1
        note(value, "times", at)
        _note_kind(value, event, study)
        count = within_day([*earlier, value], "times", at)
        value["limit"] = manifest.daily_volume
        found: list[Finding] = []
        usual = _VOLUME.of(state, service)
        if count > manifest.daily_volume:
            keep(value, "events", to_value(event), _EVENTS)
            if acts.tell(value, "volume", count, 2):
                found.append(self._found(value, self._over(count, manifest.daily_volume), service))
        elif usual.sample >= self.days and count >= max(100, self.factor * usual.mean):
            bits = usual.bits(count)
            if bits >= self.bits and acts.tell(value, "volume_unusual", count, 2):
                sentence = (
                    f"The AI service read {count} studies in a day; {usual.mean:.0f} is usual for it ({usual.sample} "
                    f"days compared). Its manifest allows {manifest.daily_volume}."
                )
                evidence = Evidence("volume_unusual", count, usual.mean, usual.sample, bits, sentence)
                found.append(acts.finding(self, [event], [evidence], about=service, severity=Severity.MEDIUM))
        READS.put(state, service, at, value)
        return found

    def _over(self, count: int, limit: int) -> Evidence:
        sentence = (
            f"The AI service read {count} studies in a day; its manifest allows {limit}: {count - limit} too many."
        )
        return Evidence("volume", count, limit, 0, None, sentence)

    def _found(self, value: Value, evidence: Evidence, service: str) -> Finding:
        events = [from_value(item) for item in value["events"]]
        value["events"] = []
        return acts.finding(self, events, [evidence], about=service)

    def _mix(self, service: str, value: Value, state: RuleState) -> Iterable[Finding]:
        """Compare what kinds of study a day brought with those of the days before."""
        mix = state.get(f"mix:{service}") or {"kinds": {}, "of": 0.0, "days": 0}
        count = sum(kind["n"] for kind in value["kinds"].values())
        for name, kind in sorted(value["kinds"].items()):
            share = (mix["kinds"].get(name, 0.0) + 1) / (mix["of"] + 20)
            if mix["days"] < self.days or kind["n"] < max(30, self.factor * share * count, 0.2 * count):
                continue
            bits = round(share_surprise(kind["n"], count, share), 3)
            if bits < self.mix_bits:
                continue
            sentence = (
                f"Of the {count} studies the AI service read in a day {kind['n']} were {name}; {share:.0%} is usual "
                f"for it ({mix['days']} days compared)."
            )
            evidence = Evidence("input_mix", kind["n"], round(share * count, 3), mix["days"], bits, sentence)
            events = [from_value(item) for item in kind["events"]]
            when = from_microseconds(value["times"][-1])
            yield acts.finding(self, events, [evidence], about=service, severity=Severity.MEDIUM, at=when)
        kinds = {name: weight * _FADE for name, weight in mix["kinds"].items() if weight > 0.01}
        for name, kind in value["kinds"].items():
            kinds[name] = kinds.get(name, 0.0) + kind["n"]
        state.put(f"mix:{service}", {"kinds": kinds, "of": mix["of"] * _FADE + count, "days": mix["days"] + 1}, None)


def _read_lately(value: Value, name: str, at: int) -> bool:
    seen = value["seen"].get(short(name))
    return seen is not None and at - seen < DAY


def _note_kind(value: Value, event: RecordedEvent, study: StudyFacts | None) -> None:
    modality, body_part = _modality(event, study), _body_part(event, study)
    name = f"{modality or 'unknown'} {body_part or ''}".strip()
    kinds = value["kinds"]
    if name not in kinds and len(kinds) >= _KINDS:
        return
    kind = kinds.setdefault(name, {"n": 0, "events": []})
    kind["n"] += 1
    keep(kind, "events", to_value(event), _EACH)


def _modality(event: RecordedEvent, study: StudyFacts | None) -> str | None:
    return (study.modality if study else None) or (event.resource.modality if event.resource else None)


def _body_part(event: RecordedEvent, study: StudyFacts | None) -> str | None:
    return (study.body_part if study else None) or (event.resource.body_part if event.resource else None)


def _scope(event: RecordedEvent, study: StudyFacts | None, manifest: ManifestFacts) -> Iterable[Evidence]:
    """Compare one read with the manifest; what neither the catalogue nor the event says is no breach."""
    modality, body_part = _modality(event, study), _body_part(event, study)
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


def _claimed(claimed: ManifestFacts, manifest: ManifestFacts) -> Evidence:
    sentence = "The source says that another version ran, whose manifest covers the read; that is its word."
    return acts.certain("version_claimed", sentence, observed=claimed.version, expected=manifest.version)


def _outside(what: str, seen: str, allowed: frozenset[str]) -> Evidence:
    listed = ", ".join(sorted(allowed))
    sentence = f"The AI service read images of {what} {seen}; its manifest covers {listed or 'none'}."
    return acts.certain(what.replace(" ", "_"), sentence, observed=seen, expected=listed)


RULE: Rule = AiOutsideManifest()
