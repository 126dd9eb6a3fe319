"""An access that no decision of the log allows: the decision point was bypassed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from governance.alerts import Evidence, Finding, Revision
from governance.audit.event import RecordedEvent
from governance.detection import acts, missing
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context, DecisionFacts
from governance.detection.reader.keeping.kept import Entry
from governance.detection.reader.state import LATENESS, RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Found, Rule
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import AlertKind, EventKind, Severity

_HOURS = 3_600_000_000
_WAITING_MOST = 500  # accesses that wait for one decision; more are given up at once
_KEPT = 45 * 24 * _HOURS  # how long a decision may be late and still take back what was said
_PAGE = 500
_WORD = "word:"  # before a source that says of its decisions that they cover whole patients, and is not registered


@dataclass(frozen=True, slots=True)
class AccessWithoutDecision:
    """Fires at once when an access names no authority, or names a denial or a decision about something else.

    An access whose decision or token the log has not seen waits, for the two travel apart: three days at least, and
    longer than decisions of its source are late. Where many accesses of one source lack decisions at
    the same time, that is one notice about the source. A decision that comes later takes back what was said. That a
    decision covers all of its patient's studies counts from this service and from registered decision points; where
    accesses rest on the word of another, that is a notice about it.
    """

    id = "access_without_decision"
    family = "bypass"
    severity = Severity.HIGH
    kinds = acts.LOOKS | {EventKind.DECISION, EventKind.TOKEN}
    window = LATENESS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Found]:
        """Follow an access to its decision; a decision or token that arrives releases the accesses that wait for it."""
        event = look.event
        if event.kind is EventKind.DECISION:
            return self._arrived(f"decision:{event.authority.decision_id}", event, context, state)
        if event.kind is EventKind.TOKEN:
            return self._arrived(f"token:{event.authority.token_jti}", event, context, state)
        if not acts.succeeded(event):
            return ()
        missing.seen(state, event)
        return self._follow(event, context.known_before, context, state)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Found]:
        """Nobody vouched for these accesses in time; a source's slot is settled; a source lacks decisions no more."""
        if key.startswith(_WORD):
            return
        if key.startswith(missing.DARK):
            yield from self._over(key.removeprefix(missing.DARK), value, state)
        elif key.startswith(missing.SLOT):
            yield from self._settled(key, state)
        elif key.startswith(missing.LATE):
            yield from self._one_by_one(missing.given_up(state, key), state)
        elif key.startswith("wait:"):
            for entry in _take(state, key):
                access = from_value(entry.value)
                missing.waits_no_longer(state, access)
                yield from self._lacks(access, key.removeprefix("wait:"), state)
        else:  # as a release before this one kept what waits
            for item in value["accesses"]:
                yield from self._lacks(from_value(item), key, state)

    def _follow(self, event: RecordedEvent, before: int, context: Context, state: RuleState) -> Iterable[Found]:
        decision_id, jti = event.authority.decision_id, event.authority.token_jti
        if decision_id is None and jti is None:
            return self._lacks(event, None, state)
        if decision_id is None and jti is not None:
            token = context.token(jti, before)
            if token is None:
                return self._wait(f"token:{jti}", event, state)
            if token.decision_id is None:
                sentence = "The access used a token that no decision stands behind."
                return (self._found(event, acts.certain("token_without_decision", sentence)),)
            decision_id = token.decision_id
        decision = context.decision(decision_id, before) if decision_id is not None else None
        if decision is None:
            return self._wait(f"decision:{decision_id}", event, state)
        evidence_against = _against(decision, event)
        if evidence_against is not None:
            return (self._found(event, evidence_against, decision.permit),)
        if _of_another_study(decision, event) and not _vouched(decision, context):
            return self._on_its_word(decision, event, state)
        return ()

    def _wait(self, link: str, event: RecordedEvent, state: RuleState) -> Iterable[Found]:
        """Let an access wait for what it names; the key's due time is the latest of them."""
        key = f"wait:{link}"
        waiting = state.list(key)
        at = to_microseconds(event.time)
        if len(waiting) >= _WAITING_MOST:
            return self._lacks(event, link, state)
        waiting.put(f"{event.index:016}", at, to_value(event), keep=_KEPT)
        missing.waits(state, event)
        value = state.get(key) or {"due": at}
        due = max(value["due"], at + missing.patience(state, event.source.id))
        state.put(key, {"due": due}, due)
        return ()

    def _arrived(self, link: str, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Found]:
        """Judge the accesses that waited for what has come, and take back what was said of those given up."""
        for entry in _take(state, f"wait:{link}"):
            access = from_value(entry.value)
            missing.waits_no_longer(state, access)
            missing.learn(state, access)
            yield from self._follow(access, event.index + 1, context, state)
        state.drop(f"wait:{link}")
        for entry in _take(state, f"told:{link}"):
            access = from_value(entry.value)
            missing.learn(state, access)
            told = missing.told_of(state, access)
            missing.found_again(state, access)
            if told is not None:
                reason = "What the access names reached the log after all, later than this source's do as a rule."
                yield Revision(told, event.index, (access.index,), reason)
            yield from self._follow(access, event.index + 1, context, state)

    def _lacks(self, event: RecordedEvent, link: str | None, state: RuleState) -> Iterator[Found]:
        """Note that an access has no decision; say so at once where it names none and is not one of many."""
        told: str | None = None
        missing.lacks(state, event)
        if link is None and missing.alone(state, event):
            found = self._found(event, _lacking(event, link))
            told = found.key
            yield found
        missing.remember(state, event, told, named=link is not None)
        if link is not None:
            state.list(f"told:{link}").put(
                f"{event.index:016}", to_microseconds(event.time), to_value(event), keep=_KEPT
            )

    def _settled(self, key: str, state: RuleState) -> Iterator[Found]:
        """Conclude the accesses of a slot: each by itself, or all of them as a matter of their source."""
        concluded, dark = missing.settle(state, key)
        if dark is None:
            yield from self._one_by_one(concluded, state)
            return
        last = concluded[-1].access
        for each in concluded:
            if each.told is not None:
                reason = "Many accesses of the same source lack decisions: it is told as one notice about the source."
                yield Revision(each.told, last.index, (each.access.index,), reason)
        if (count := missing.news(dark)) is not None:
            yield self._notice(last, dark, count)

    def _one_by_one(self, concluded: Iterable[missing.Lacking], state: RuleState) -> Iterator[Finding]:
        """Tell of accesses each by itself."""
        for each in concluded:
            found = self._found(each.access, _lacking(each.access, _link(each.access)))
            missing.remember(state, each.access, found.key, named=each.named)
            yield found

    def _over(self, source: str, dark: Value, state: RuleState) -> Iterator[Found]:
        """A source lacks decisions no longer: name the few for which none ever came, if the others' did."""
        count = dark["count"]
        yield from self._one_by_one(missing.lost(state, source, count), state)
        arrived = dark["back"]
        sentence = f"Of {count} accesses of this source that had no decision on record, {arrived} got theirs later."
        notice = self._notice(from_value(dark["last"]), dark, count)
        yield replace(notice, evidence=(Evidence("decisions_back", arrived, count, 0, None, sentence),))

    def _notice(self, event: RecordedEvent, dark: Value, count: int) -> Finding:
        share = round(100 * count / max(dark["seen"], count))
        sentence = (
            f"{count} accesses that this source reported since {from_microseconds(dark['since']):%Y-%m-%d %H:%M} UTC "
            f"have no decision on record, {share} in a hundred of its accesses. Look at its gateway and at the way its "
            "decisions take first; nobody is accused."
        )
        evidence = Evidence("source_without_decisions", count, 0, dark["seen"], None, sentence)
        return self._of_source(event, evidence, event.source.id, dark["since"], "source", dark)

    def _of_source(
        self, event: RecordedEvent, evidence: Evidence, source: str, since: int, what: str, value: Value
    ) -> Finding:
        """Make a notice about a source that names nobody; ``value`` holds the events and their count."""
        made = acts.finding(self, [event], [evidence], about=source, severity=Severity.MEDIUM)
        return replace(
            made,
            kind=AlertKind.NOTICE,
            key=f"{self.id}|{what}|{source}|{since}",
            occurred_at=from_microseconds(since),
            subject=None,
            subjects=(),
            patient=None,
            events=tuple(value["events"]),
            total=value["count"],
            agreement_ids=(),
            decision_ids=(),
            token_jtis=(),
        )

    def _on_its_word(self, decision: DecisionFacts, event: RecordedEvent, state: RuleState) -> Iterator[Finding]:
        """Count an access that only an unregistered source's word about the whole patient covers; tell of it in steps.

        The notice is told at the first, and at each doubling; after ``_KEPT`` without one it is another notice.
        """
        key, at = f"{_WORD}{decision.source}", to_microseconds(event.time)
        value = state.get(key) or {"since": at, "count": 0, "told": 0, "events": []}
        value["count"] += 1
        value["events"] = [*value["events"], event.index][-missing.SHOWN :]
        tell = value["count"] >= 2 * value["told"]
        if tell:
            value["told"] = value["count"]
        state.put(key, value, at + _KEPT)
        if tell:
            sentence = (
                f"{value['count']} accesses rest on decisions about another study of the same patient, of which their "
                "source says that they cover the whole patient. It is no registered client of its trust, so that is "
                "its word alone. Register it, or ask its trust what it is."
            )
            evidence = Evidence("unregistered_decision_point", value["count"], 0, 0, None, sentence)
            yield self._of_source(event, evidence, decision.source, value["since"], "word", value)

    def _found(self, event: RecordedEvent, evidence: Evidence, permitted: bool = True) -> Finding:
        severity = self.severity if permitted else Severity.CRITICAL
        return acts.finding(self, [event], [evidence], about=None, severity=severity)


def _take(state: RuleState, key: str) -> Iterator[Entry]:
    """Give the entries of a list in order, and forget it."""
    waiting, since = state.list(key), 0
    found: list[Entry] = []
    while len(page := waiting.between(since, 1 << 62, _PAGE)) == _PAGE and page[-1].at > since:
        found += [entry for entry in page if entry.at < page[-1].at]
        since = page[-1].at
    found += waiting.between(since, 1 << 62, 10 * _PAGE)
    waiting.clear()
    return iter(found)


def _link(event: RecordedEvent) -> str | None:
    if event.authority.decision_id is not None:
        return f"decision:{event.authority.decision_id}"
    return f"token:{event.authority.token_jti}" if event.authority.token_jti is not None else None


def _lacking(event: RecordedEvent, link: str | None) -> Evidence:
    if link is None:
        sentence = f"Images were opened by {acts.spoken_role(event)} without a decision or a token."
        return acts.certain("no_authority", sentence, observed="no decision, no token", expected="a decision")
    what = link.partition(":")[0]
    sentence = f"The access names a {what} that the log does not hold: nothing shows that it was ever allowed."
    return acts.certain(f"{what}_unknown", sentence, observed=f"{what} not in the log", expected="a decision")


def _against(decision: DecisionFacts, event: RecordedEvent) -> Evidence | None:
    """Say why a known decision does not allow an access; None when it does."""
    if not decision.permit:
        sentence = f"Access was denied, and the images were opened all the same by {acts.spoken_role(event)}."
        return acts.certain("denied", sentence, observed="opened", expected="denied")
    whole = decision.covers_patient and decision.patient is not None
    other_study = not whole and _of_another_study(decision, event)
    other_patient = (
        (decision.study is None or whole)
        and decision.patient is not None
        and decision.patient != acts.patient_of(event)
    )
    if other_study or other_patient:
        what = "study" if other_study else "patient"
        sentence = f"The decision that the access names was about another {what}."
        return acts.certain("decision_about_another", sentence, observed=f"another {what}", expected=f"the same {what}")
    return None


def _of_another_study(decision: DecisionFacts, event: RecordedEvent) -> bool:
    study = acts.study_of(event)
    return decision.study is not None and study is not None and decision.study != study


def _vouched(decision: DecisionFacts, context: Context) -> bool:
    """Say whether this service, an edge of it or a registered decision point took a decision."""
    return decision.vouched or context.decision_point(decision.source, decision.trust)


RULE: Rule = AccessWithoutDecision()
