"""The chain of authority: agreement -> decision -> token -> access -> alert -> verdict, read from any of its links.

1. Every link carries the id of the one before, so the chain is found by ids alone, never by guessing from times.
2. A missing link is told as such: an access without a decision is itself what an officer needs to know.
3. Only what the viewer's trust may see is on the chain.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from governance.alerts import Alert, AlertQuery, AlertService, Viewer
from governance.audit.event import RecordedEvent
from governance.audit.search import AuditSearch, Query
from governance.console import _formats as formats
from governance.console import _wording as wording
from governance.console._rows import USES_OF_IMAGES, named
from governance.vocabulary import Action, AgreementStatus, EventKind

Kind = Literal["agreement", "decision", "token", "access", "alert", "verdict"]
SHOWN = 5  # links told one by one in a step; the rest are counted
_READ = 200  # events read for one chain
_DECISIONS = 20  # decisions whose events are looked up for one chain

_TITLES: Mapping[Kind, str] = {
    "agreement": "Agreement",
    "decision": "Decision",
    "token": "Access token",
    "access": "Use of images",
    "alert": "Alert",
    "verdict": "Verdict",
}
_ABSENT: Mapping[Kind, str] = {
    "agreement": "No agreement stands behind this.",
    "decision": "No decision is on record.",
    "token": "No access token is on record.",
    "access": "No use of images is on record.",
    "alert": "No alert was raised.",
    "verdict": "Nobody has come to a verdict.",
}


@dataclass(frozen=True, slots=True)
class Link:
    """One thing on the chain and the page that shows it; without an ``endpoint`` there is none."""

    text: str
    endpoint: str | None = None
    arguments: Mapping[str, str | int] = field(default_factory=dict)
    note: str | None = None
    tag: str | None = None
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of link: those shown, how many more there are, and what to say when there is none."""

    title: str
    links: tuple[Link, ...]
    more: int
    absent: str
    here: bool


@dataclass(frozen=True, slots=True)
class AgreementLine:
    """What the chain tells of an agreement."""

    title: str
    status: AgreementStatus


class Chains:
    """Reads chains for one viewer.

    Args:
        search: the log's search.
        alerts: the alerts.
        agreement_of: gives an agreement's line by its id, None for one that is not on file.
        names: organisations' names by ODS code.
        viewer: who looks.
    """

    def __init__(
        self,
        search: AuditSearch,
        alerts: AlertService,
        agreement_of: Callable[[str], AgreementLine | None],
        names: Mapping[str, str],
        viewer: Viewer,
    ) -> None:
        self._search = search
        self._alerts = alerts
        self._agreement_of = agreement_of
        self._names = names
        self._viewer = viewer

    def of_alert(self, alert: Alert, events: Sequence[RecordedEvent]) -> tuple[Step, ...]:
        """Give the chain of an alert; ``events`` are those it rests on that the viewer may see."""
        found = self._gather(events, alert.decision_ids, alert.token_jtis)
        return self._steps(found, alert.agreement_ids, [alert], "alert")

    def of_event(self, event: RecordedEvent) -> tuple[Step, ...]:
        """Give the chain through one event of the log."""
        found = self._gather([event], (), ())
        alerts = self._alerts.list(self._viewer, AlertQuery(event=event.index), SHOWN).alerts
        return self._steps(found, (), alerts, _place_of(event))

    def of_decision(self, decision_id: str, events: Sequence[RecordedEvent]) -> tuple[Step, ...]:
        """Give the chain through a decision; ``events`` are those that carry its id."""
        alerts = self._alerts.list(self._viewer, AlertQuery(decision_id=decision_id), SHOWN).alerts
        return self._steps(list(events), (), alerts, "decision")

    def _gather(
        self, events: Sequence[RecordedEvent], decisions: Iterable[str], tokens: Iterable[str]
    ) -> list[RecordedEvent]:
        """Give the events and everything that shares a decision or a token with them, in the order of the log."""
        found = {event.index: event for event in events}
        by_decision = sorted({*decisions, *(e.authority.decision_id for e in events if e.authority.decision_id)})
        by_token = sorted({*tokens, *(e.authority.token_jti for e in events if e.authority.token_jti)})
        queries = [Query(decision_id=value, trust=self._viewer.ods) for value in by_decision[:_DECISIONS]]
        queries += [Query(token_jti=value, trust=self._viewer.ods) for value in by_token[:_DECISIONS]]
        for query in queries:
            found |= {event.index: event for event in self._search.find(query, _READ, newest_first=False)}
        return [found[index] for index in sorted(found)]

    def _steps(
        self, events: Sequence[RecordedEvent], agreements: Iterable[str], alerts: Sequence[Alert], here: Kind | None
    ) -> tuple[Step, ...]:
        named_agreements = {*agreements, *(e.authority.agreement_id for e in events if e.authority.agreement_id)}
        links: Mapping[Kind, list[Link]] = {
            "agreement": [self._agreement(agreement, events) for agreement in sorted(named_agreements)],
            "decision": [_decision(event) for event in events if event.kind is EventKind.DECISION],
            "token": [_token(event) for event in events if event.kind is EventKind.TOKEN],
            "access": [self._access(event) for event in events if event.kind in USES_OF_IMAGES],
            "alert": [_alert(alert) for alert in alerts],
            "verdict": [_verdict(alert) for alert in alerts if alert.case.verdict],
        }
        return tuple(
            Step(_TITLES[kind], tuple(made[:SHOWN]), max(0, len(made) - SHOWN), _ABSENT[kind], kind == here)
            for kind, made in links.items()
        )

    def _agreement(self, agreement_id: str, events: Sequence[RecordedEvent]) -> Link:
        line = self._agreement_of(agreement_id)
        if line is None:
            return Link(agreement_id, note="Not on file here")
        clauses = sorted(
            {
                f"version {event.detail['agreement_version']}, clause {event.detail['clause']}"
                for event in events
                if event.kind is EventKind.DECISION
                and event.authority.agreement_id == agreement_id
                and event.detail.get("clause")
            }
        )
        return Link(
            line.title,
            "agreement_page",
            {"agreement_id": agreement_id},
            "; ".join(clauses) or None,
            wording.AGREEMENT_STATUSES[line.status],
            wording.AGREEMENT_COLOURS[line.status],
        )

    def _access(self, event: RecordedEvent) -> Link:
        subject = event.subject
        who = [wording.role_name(subject.role), named(subject.ods, self._names)] if subject else []
        note = ", ".join(part for part in who if part)
        text = f"{wording.EVENT_KINDS[event.kind]}{_images(event)}"
        when = formats.on_date_at(event.time)
        return Link(text, "event_page", {"index": event.index}, f"{when}. {note}." if note else when)


def _place_of(event: RecordedEvent) -> Kind | None:
    """Say which step an event is."""
    if event.kind is EventKind.DECISION:
        return "decision"
    if event.kind is EventKind.TOKEN:
        return "token"
    return "access" if event.kind in USES_OF_IMAGES else None


def _decision(event: RecordedEvent) -> Link:
    permit = event.detail.get("permit") is True
    action, purpose = event.detail.get("action"), event.purpose
    asked = wording.ACTIONS[Action(action)] if isinstance(action, str) and action in set(Action) else "use images"
    why = f" for {wording.PURPOSES[purpose].lower()}" if purpose else ""
    return Link(
        f"To {asked}{why}",
        "decision_page",
        {"decision_id": event.authority.decision_id or event.id},
        formats.on_date_at(event.time),
        "Allowed" if permit else "Refused",
        "green" if permit else "red",
    )


def _token(event: RecordedEvent) -> Link:
    audience = event.detail.get("audience")
    text = f"For {audience}" if isinstance(audience, str) else "Token issued"
    return Link(text, "event_page", {"index": event.index}, formats.on_date_at(event.time))


def _alert(alert: Alert) -> Link:
    return Link(
        wording.alert_title(alert),
        "alert_page",
        {"alert_id": alert.id},
        formats.on_date_at(alert.opened_at),
        wording.SEVERITIES[alert.severity],
        wording.SEVERITY_COLOURS[alert.severity],
    )


def _verdict(alert: Alert) -> Link:
    verdict = alert.case.verdict
    if verdict is None:
        raise ValueError("only a closed alert has a verdict")
    return Link(alert.case.reason or "", tag=wording.VERDICTS[verdict], colour=wording.VERDICT_COLOURS[verdict])


def _images(event: RecordedEvent) -> str:
    resource = event.resource
    if resource is None or resource.modality is None:
        return ""
    return f": {resource.modality}{' ' + resource.body_part.lower() if resource.body_part else ''}"
