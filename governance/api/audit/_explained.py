"""What the answers about events say of why: the explanation of each access, export and print."""

from collections.abc import Sequence
from typing import Any

from governance.api.audit.schemas import ExplanationView
from governance.audit import RecordedEvent
from governance.bootstrap import Services
from governance.detection import Told, Untold
from governance.detection.acts import LOOKS
from governance.formats import render


def rendered(services: Services, events: Sequence[RecordedEvent]) -> list[dict[str, Any]]:
    """Give events as they are answered; one at which images were seen carries its explanation."""
    looks = [event.index for event in events if event.kind in LOOKS]
    with services.infrastructure.database.reading() as session:
        told = services.uses.explanations.told(session, looks)
    return [
        {**render(event), "explanation": _view(told[event.index])} if event.index in told else dict(render(event))
        for event in events
    ]


def _view(told: Told) -> dict[str, Any]:
    if isinstance(told, Untold):
        return ExplanationView(kind=told.value).model_dump()
    return ExplanationView(
        kind=told.kind.value,
        explained=told.explained,
        edge=told.edge,
        source=told.source,
        feed=told.feed,
        team=told.team,
        age_seconds=None if told.age is None else int(told.age.total_seconds()),
        strength=told.strength,
    ).model_dump()
