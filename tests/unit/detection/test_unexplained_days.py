"""Days of looks without a reason: what counts into a person's pace, and what a late reason takes back."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from governance.alerts import Finding, Revision
from governance.audit.event import RecordedEvent
from governance.detection.explanation.explaining import PlainExplainer
from governance.detection.explanation.limits import LOOSE
from governance.detection.explanation.look import Explanation, ExplanationKind, Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.scoring import Scorer
from governance.detection.reader.state import RuleMemory
from governance.detection.rule import Found
from governance.detection.rules.looks.unexplained_looks import RULE
from tests.worlds.detection import BEGAN, LittleExplainer, LittlePast, event, region

ORDER = Explanation(ExplanationKind.ORDER, "e-1", strength=0.9)
DAYS = 24
WORLD = {"ties": [{"who": "t-{n}", "repeat": 30, "patient": "q-{n}"}]}


class FromElsewhere:
    """Explains a look from home by a rota that names another site, which is a weak reason."""

    def explain(self, events: Sequence[RecordedEvent], context: Context, known_at: int | None = None) -> Iterator[Look]:
        weak = Explanation(ExplanationKind.ROTA, "e-2", strength=LOOSE)
        for look in PlainExplainer().explain(events, context, known_at):
            home = look.event.subject is not None and look.event.subject.site == "home"
            yield Look(look.event, weak) if look.unexplained and home else look


def browsing(site: str) -> list[RecordedEvent]:
    """Give weeks of one who looks at five patients a day without a reason, beside thirty who mostly have."""
    rows = []
    for day in range(DAYS):
        at = timedelta(days=day)
        rows += [(at, {"who": f"t-{n}", "patient": f"q-{n}", "study": f"q-{n}"}) for n in range(30)]
        rows += [
            (at, {"who": f"t-{n}", "patient": f"x-{day}-{n}", "study": f"x-{day}-{n}"}) for n in range(day % 5, 30, 5)
        ]
        rows += [
            (at + timedelta(hours=n), {"who": "s-1", "patient": f"p-{day}-{n}", "study": f"{day}-{n}", "site": site})
            for n in range(5)
        ]
    rows += [(timedelta(days=DAYS + 1, hours=n), {"kind": "login", "who": "t-1"}) for n in range(3)]
    return [event(index, BEGAN + at, row) for index, (at, row) in enumerate(rows)]


def paces(found: Sequence[Found]) -> list[Finding]:
    told = [one for one in found if isinstance(one, Finding)]
    return [one for one in told if any(piece.signal == "pace" for piece in one.evidence)]


def test_weeks_of_looks_without_a_reason_are_told() -> None:
    here, log = region(WORLD), browsing("ward")
    found = paces(Scorer([RULE], LittleExplainer(here)).score(log, here, RuleMemory(), LittlePast(log)))
    assert {one.subject for one in found} == {"s-1"}
    assert found[-1].about == "RRK"


def test_who_works_from_elsewhere_than_the_rota_says_browses_nothing() -> None:
    here, log = region(WORLD), browsing("home")
    assert paces(Scorer([RULE], FromElsewhere()).score(log, here, RuleMemory(), LittlePast(log))) == []


def test_a_late_reason_leaves_every_finding_that_rests_on_the_look() -> None:
    here, log, memory = region(WORLD), browsing("ward"), RuleMemory()
    found = paces(Scorer([RULE], LittleExplainer(here)).score(log, here, memory, LittlePast(log)))
    look = next(one for one in log if one.subject and one.subject.id == "s-1" and one.index in found[-1].events)
    state = memory.of(RULE.id)
    before = Look(look, Explanation(ExplanationKind.UNEXPLAINED))
    taken_back = [one for one in RULE.revised(before, Look(look, ORDER), here, state) if isinstance(one, Revision)]
    resting = {one.key for one in found if look.index in one.events}
    assert resting <= {one.key for one in taken_back}
    assert {one.gone for one in taken_back} == {(look.index,)}
    pace = state.get("pace:s-1")
    assert pace is not None
    assert all(look.index not in row[1] for row in pace["days"].values())


def meetings(people: int) -> list[RecordedEvent]:
    """Give weeks in which some people go through five patients together, day after day, of which no list tells."""
    log = browsing("ward")
    own = [one for one in log if one.subject is not None and one.subject.id == "s-1"]
    rows = [
        (one.time - BEGAN + timedelta(minutes=n), {"who": f"s-{n}", "patient": patient, "study": patient})
        for one in own
        if (patient := one.resource.patient if one.resource else None) is not None
        for n in range(2, people + 1)
    ]
    others = [(one.time - BEGAN, one) for one in log]
    told = sorted([*((at, one) for at, one in others), *rows], key=lambda row: row[0])
    return [
        replace(one, index=index) if isinstance(one, RecordedEvent) else event(index, BEGAN + at, one)
        for index, (at, one) in enumerate(told)
    ]


@pytest.mark.parametrize(("people", "told"), [(1, True), (2, True), (3, False)])
def test_three_who_go_through_a_list_together_are_a_meeting(people: int, *, told: bool) -> None:
    here, log = region(WORLD), meetings(people)
    found = paces(Scorer([RULE], LittleExplainer(here)).score(log, here, RuleMemory(), LittlePast(log)))
    assert ("s-1" in {one.subject for one in found}) is told
