"""What the read models are made of, for the viewer of this request.

1. A page is read from one snapshot: what it says of one thing fits what it says of another.
2. It asks a fixed number of questions, however many events, alerts or agreements it shows (``tests/console`` counts
   them): a read model hands the database a list of ids, never one id after the other.
3. The look is recorded outside the snapshot, so that no page holds a connection while it waits for the log.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.console._chain import Chains
from governance.console._guard import viewer
from governance.console._names import read_trust_names, trust_names
from governance.console._reasons import spoken
from governance.detection.acts import LOOKS
from governance.web.services import current_services


@contextmanager
def snapshot() -> Iterator[Session]:
    """Open the snapshot that a page is read from; the names of organisations, which every page shows, come with it."""
    with current_services().infrastructure.database.reading() as session:
        read_trust_names(session)
        yield session


def reasons(session: Session, events: Iterable[RecordedEvent]) -> dict[int, str]:
    """Give, in words, why whoever looked may have, for those of some events at which images were seen; by index."""
    looks = [event.index for event in events if event.kind in LOOKS]
    told = current_services().uses.explanations.told(session, looks)
    return {index: spoken(one) for index, one in told.items()}


def chains(session: Session) -> Chains:
    """Give a reader of chains of authority for the signed-in person."""
    services = current_services()
    return Chains(
        session,
        services.infrastructure.audit_search,
        services.uses.alerts,
        services.registers.agreements,
        trust_names(),
        viewer(),
    )
