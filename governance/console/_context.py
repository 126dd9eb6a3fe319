"""What the read models are made of, for the viewer of this request."""

from governance.audit.event import RecordedEvent
from governance.console._chain import AgreementLine, Chains
from governance.console._guard import viewer
from governance.console._names import trust_names
from governance.console._rows import visible_to
from governance.errors import NotFound
from governance.web.services import current_services


def chains() -> Chains:
    """Give a reader of chains of authority for the signed-in person."""
    services = current_services()
    return Chains(services.infrastructure.audit_search, services.uses.alerts, _agreement_line, trust_names(), viewer())


def visible_event(index: int) -> RecordedEvent:
    """Give an event of the log; raises NotFound when there is none or it concerns other trusts only."""
    event = current_services().infrastructure.audit.entry(index)
    if not visible_to(event, viewer().ods):
        raise NotFound("audit.no_entry", "The log has no entry with this index.")
    return event


def visible_events(indexes: tuple[int, ...], most: int) -> list[RecordedEvent]:
    """Give the newest of the events that concern the viewer's trust, newest first, ``most`` at most."""
    log, ods = current_services().infrastructure.audit, viewer().ods
    found = [log.entry(index) for index in sorted(indexes, reverse=True)[: most * 2]]
    return [event for event in found if visible_to(event, ods)][:most]


def _agreement_line(agreement_id: str) -> AgreementLine | None:
    try:
        record = current_services().registers.agreements.get(agreement_id)
    except NotFound:
        return None
    return AgreementLine(record.agreement.title, record.status)
