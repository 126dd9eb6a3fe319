"""The chain of authority: agreement -> decision -> token -> access -> alert -> verdict, read from any of its links.

1. Every link carries the id of the one before, so the chain is found by ids alone, never by guessing from times.
2. A missing link is shown as such: an access without a decision is itself what an officer needs to know.
3. Only what the viewer's trust may see is on the chain.
4. "None" is said only when everything was read; otherwise the chain says what it was looked for in.
5. However many links a chain has, it is read by the same few statements: ids go to the database as lists.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Literal

from sqlmodel import Session

from governance.agreements import Agreements, Line
from governance.alerts import Alert, AlertQuery, AlertService, ClosedBy, Viewer
from governance.audit.event import RecordedEvent
from governance.audit.search import AuditSearch, ChainFound, ChainStart
from governance.console import _formats as formats
from governance.console import _wording as wording
from governance.console._rows import USES_OF_IMAGES, named
from governance.console._rules import alert_title
from governance.vocabulary import Action, EventKind, Outcome

Kind = Literal["agreement", "decision", "token", "access", "alert", "verdict"]
SHOWN = 5  # links shown one by one in a step; the rest are counted
_FOLLOWED = 20  # tokens, and decisions, whose events are looked up for one chain
_READ = 200  # events read for one of them

_NOT_SEEN = "None among what was read for this page: the newest events and the first that belong to them."

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
    """One thing on the chain and the page that shows it; without an ``endpoint`` there is none.

    ``index`` is the place in the log of an event.
    """

    text: str
    endpoint: str | None = None
    arguments: Mapping[str, str | int] = field(default_factory=dict)
    note: str | None = None
    tag: str | None = None
    colour: str | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of link, what to say when there is none, and whether the page is about one of them."""

    title: str
    links: tuple[Link, ...]
    absent: str
    here: bool

    @property
    def shown(self) -> tuple[Link, ...]:
        """Give the links shown one by one."""
        return self.links[:SHOWN]

    @property
    def more(self) -> int:
        """Give how many links are only counted."""
        return len(self.links) - len(self.shown)


class Chains:
    """Reads chains for one viewer.

    Args:
        session: the snapshot of the page.
        search: the log's search.
        alerts: the alerts.
        agreements: the agreements.
        names: organisations' names by ODS code.
        viewer: who looks.
    """

    def __init__(
        self,
        session: Session,
        search: AuditSearch,
        alerts: AlertService,
        agreements: Agreements,
        names: Mapping[str, str],
        viewer: Viewer,
    ) -> None:
        self._session = session
        self._search = search
        self._alerts = alerts
        self._agreements = agreements
        self._names = names
        self._viewer = viewer

    def gather(
        self, indexes: Sequence[int], newest: int, decisions: Sequence[str] = (), tokens: Sequence[str] = ()
    ) -> ChainFound:
        """Give events and everything that shares a decision or a token with them, in the order of the log.

        Args:
            indexes: where the events are; those that do not concern the viewer's trust are left out.
            newest: how many of them count, from the newest on.
            decisions: ids of decisions that belong to the chain as well.
            tokens: ids of tokens that do.
        """
        start = ChainStart(indexes, newest, tokens, decisions, self._viewer.ods, _FOLLOWED, _READ)
        return self._search.chain_in(self._session, start)

    def of_alert(self, alert: Alert, shown: Set[int], gathered: ChainFound) -> tuple[Step, ...]:
        """Give the chain of an alert; ``shown`` are the indexes of its events that the page shows."""
        steps = self._steps(gathered, alert.agreement_ids, [alert], "alert")
        return tuple(_with_first(step, shown) for step in steps)

    def of_event(self, event: RecordedEvent, gathered: ChainFound) -> tuple[Step, ...]:
        """Give the chain through one event of the log."""
        alerts = self._raised(AlertQuery(event=event.index))
        steps = self._steps(gathered, (), alerts, _place_of(event))
        return tuple(_with_first(step, {event.index}, here=step.here) for step in steps)

    def of_decision(self, decision_id: str, gathered: ChainFound) -> tuple[Step, ...]:
        """Give the chain through a decision; ``gathered`` are the events that carry its id."""
        return self._steps(gathered, (), self._raised(AlertQuery(decision_id=decision_id)), "decision")

    def _raised(self, query: AlertQuery) -> tuple[Alert, ...]:
        return self._alerts.list_in(self._session, self._viewer, query, SHOWN).alerts

    def _steps(
        self, gathered: ChainFound, agreements: Iterable[str], alerts: Sequence[Alert], here: Kind | None
    ) -> tuple[Step, ...]:
        events = gathered.events
        named_agreements = {*agreements, *(e.authority.agreement_id for e in events if e.authority.agreement_id)}
        lines = self._agreements.lines_in(self._session, named_agreements)
        links: Mapping[Kind, list[Link]] = {
            "agreement": [_agreement(name, lines.get(name), events) for name in sorted(named_agreements)],
            "decision": [_decision(event) for event in events if event.kind is EventKind.DECISION],
            "token": [_token(event) for event in events if event.kind is EventKind.TOKEN],
            "access": [self._access(event) for event in events if event.kind in USES_OF_IMAGES],
            "alert": [_alert(alert) for alert in alerts],
            "verdict": [link for alert in alerts for link in self._verdicts(alert)],
        }
        return tuple(
            Step(_TITLES[kind], tuple(made), _absent(kind, gathered.complete), kind == here)
            for kind, made in links.items()
        )

    def _verdicts(self, alert: Alert) -> list[Link]:
        """Give what each trust concluded, or the region for all."""
        given = [
            Link(
                one.reason,
                note=f"{named(one.ods, self._names)}, who {wording.CAPACITIES[one.capacity]}",
                tag=wording.VERDICTS[one.verdict],
                colour=wording.VERDICT_COLOURS[one.verdict],
            )
            for one in alert.case.verdicts
        ]
        verdict = alert.case.verdict
        if verdict is not None and alert.case.ending is ClosedBy.REGION:
            tag, colour = wording.VERDICTS[verdict], wording.VERDICT_COLOURS[verdict]
            given.append(Link(alert.case.reason or "", note=wording.ENDINGS[ClosedBy.REGION], tag=tag, colour=colour))
        return given

    def _access(self, event: RecordedEvent) -> Link:
        subject = event.subject
        who = [wording.role_name(subject.role), named(subject.ods, self._names)] if subject else []
        note = ", ".join(part for part in who if part)
        text = f"{wording.EVENT_KINDS[event.kind]}{_images(event)}"
        when = formats.on_date_at(event.time)
        return Link(text, "event_page", {"index": event.index}, f"{when}. {note}." if note else when, index=event.index)


def _absent(kind: Kind, complete: bool) -> str:
    """Say that there is no link of a kind; alerts and verdicts are asked for apart, and always whole."""
    return _ABSENT[kind] if complete or kind in {"alert", "verdict"} else _NOT_SEEN


def _with_first(step: Step, indexes: Set[int], *, here: bool = False) -> Step:
    """Put the links of some events first; ``here`` takes their address away, for they are the page itself."""
    first = [link for link in step.links if link.index in indexes]
    if here:
        first = [replace(link, endpoint=None) for link in first]
    return replace(step, links=(*first, *(link for link in step.links if link.index not in indexes)))


def _place_of(event: RecordedEvent) -> Kind | None:
    """Say which step an event is."""
    if event.kind is EventKind.DECISION:
        return "decision"
    if event.kind is EventKind.TOKEN:
        return "token"
    return "access" if event.kind in USES_OF_IMAGES else None


def permitted(event: RecordedEvent) -> bool:
    """Say whether a decision allowed: its outcome says so, and its detail, where another system sent one, agrees."""
    return event.outcome is Outcome.SUCCESS and event.detail.get("permit") is not False


def _agreement(agreement_id: str, line: Line | None, events: Sequence[RecordedEvent]) -> Link:
    if line is None:
        return Link(agreement_id, note="Not on file here")
    decided = {
        (event.detail["agreement_version"], event.detail["clause"])
        for event in events
        if event.kind is EventKind.DECISION
        and event.authority.agreement_id == agreement_id
        and event.detail.get("clause")
    }
    versions = {version for version, _ in decided if isinstance(version, int)}
    opened = {"version": versions.pop()} if len(versions) == 1 else {}
    return Link(
        line.title,
        "agreement_page",
        {"agreement_id": agreement_id, **opened},
        "; ".join(f"version {version}, clause {clause}" for version, clause in sorted(decided, key=str)) or None,
        wording.AGREEMENT_STATUSES[line.status],
        wording.AGREEMENT_COLOURS[line.status],
    )


def _decision(event: RecordedEvent) -> Link:
    permit = permitted(event)
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
        event.index,
    )


def _token(event: RecordedEvent) -> Link:
    audience = event.detail.get("audience")
    text = f"For {audience}" if isinstance(audience, str) else "Token"
    if event.detail.get("act") == "revoke":
        text = "Revoked"
    return Link(text, "event_page", {"index": event.index}, formats.on_date_at(event.time), index=event.index)


def _alert(alert: Alert) -> Link:
    return Link(
        alert_title(alert),
        "alert_page",
        {"alert_id": alert.id},
        formats.on_date_at(alert.opened_at),
        wording.SEVERITIES[alert.severity],
        wording.SEVERITY_COLOURS[alert.severity],
    )


def _images(event: RecordedEvent) -> str:
    resource = event.resource
    if resource is None or resource.modality is None:
        return ""
    return f": {resource.modality}{' ' + resource.body_part.lower() if resource.body_part else ''}"
