"""The random audit: what is drawn, who judges it, and what the verdicts say, on both databases."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.alerts import Viewer
from governance.clock import FixedClock
from governance.detection.sampling import Candidate, SampleQuery, Sampling, draw, miss_rate
from governance.detection.sampling.sampling import RATE
from governance.errors import Conflict, Forbidden, InvalidInput, NotFound
from governance.storage import Database
from governance.vocabulary import Verdict
from tests.worlds.alerts import AlertWorld, finding

DAY = date(2026, 11, 1)
AT = datetime(2026, 11, 1, 9, tzinfo=UTC)
KEY = b"k" * 32
OFFICER = Viewer("s-officer", "RRK", person=True)
REGION = Viewer("soc", None, person=False)


def looks(count: int, ods: str = "RRK", first: int = 0) -> list[Candidate]:
    return [Candidate(first + n, AT, f"s-{n % 7}", ods, f"p-{n % 5}", "t-1") for n in range(count)]


class World(AlertWorld):
    """Alerts, and the random audit beside them."""

    def __init__(self, database: Database, clock: FixedClock) -> None:
        super().__init__(database, clock)
        self.sampling = Sampling(
            database=database,
            recorder=self.recorder,
            clock=clock,
            alerts=self.alerts,
            key=KEY,
            patient_of=self._patient_of,
        )

    def drawn(self, found: list[Candidate], day: date = DAY) -> list[int]:
        with self.database.transaction() as session:
            return [one.index for one in self.sampling.draw_in(session, day, found)]

    def acts(self) -> list[dict[str, object]]:
        size, _ = self.log.tree_head()
        return [dict(event.detail) for event in self.log.read(0, size) if "act" in event.detail]


@pytest.fixture
def world(database: Database, clock: FixedClock) -> World:
    return World(database, clock)


@given(st.sets(st.integers(0, 1 << 40), max_size=200), st.floats(0, 1), st.randoms())
def test_a_draw_depends_on_each_look_alone(indexes: set[int], rate: float, order) -> None:  # type: ignore[no-untyped-def]
    every = [Candidate(index, AT, "s-1", "RRK") for index in indexes]
    drawn = draw(every, KEY, rate)
    shuffled = list(every)
    order.shuffle(shuffled)
    assert draw(shuffled, KEY, rate) == drawn
    assert [look for look in every if draw([look], KEY, rate)] == [look for look in every if look in drawn]
    assert set(drawn) <= set(draw(every, KEY, min(1.0, rate * 1.5)))
    assert draw(every, KEY, 0) == []
    assert len(draw(every, KEY, 1)) == len(every)


def test_about_as_many_are_drawn_as_the_rate_says_and_another_key_draws_others() -> None:
    every = looks(200_000)
    found = draw(every, KEY, RATE)
    assert 150 <= len(found) <= 250  # 200 wanted; further off once in thousands of keys
    assert found != draw(every, b"x" * 32, RATE)


@pytest.mark.parametrize(
    ("wrong", "judged", "low", "high"),
    [(0, 10, 0.0, 0.2775), (3, 40, 0.0258, 0.1986), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0), (50, 100, 0.4038, 0.5962)],
)
def test_the_interval_is_wilsons(wrong: int, judged: int, low: float, high: float) -> None:
    found = miss_rate(wrong, judged)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_no_more_are_wrong_than_were_judged() -> None:
    with pytest.raises(ValueError, match="at most"):
        miss_rate(3, 2)


def test_a_day_is_drawn_once_and_recorded(world: World) -> None:
    every = looks(4_000)
    first = world.drawn(every)
    assert first == [one.index for one in draw(every, KEY, RATE)]
    assert first
    assert world.drawn(every) == []
    (recorded,) = world.acts()
    assert recorded == {
        "act": "sample.drawn",
        "trust": "RRK",
        "day": "2026-11-01",
        "looked": 4_000,
        "drawn": first,
    }


def test_what_is_in_an_alert_is_not_drawn(world: World) -> None:
    every = looks(3_000)
    expected = [one.index for one in draw(every, KEY, RATE)]
    world.raise_all(finding(events=(expected[0],)))
    assert world.drawn(every) == expected[1:]
    (summary,) = world.sampling.summaries(OFFICER)
    assert (summary.looked, summary.drawn) == (2_999, len(expected) - 1)


def test_a_day_is_drawn_at_the_rate_that_was_known_then(world: World) -> None:
    early = looks(400)
    world.sampling.choose_rate(OFFICER, None, 0.05)
    (act,) = world.acts()
    assert act == {"act": "sample.rate", "trust": "RRK", "rate": 0.05}
    late = looks(400, first=10_000)
    others = looks(400, "RJE", first=20_000)
    assert world.drawn([*late, *others]) == [one.index for one in draw(late, KEY, 0.05) + draw(others, KEY, RATE)]
    fresh = World(world.database, world.clock)
    assert fresh.drawn([early[0]], DAY - timedelta(days=1)) in ([], [0])  # index 0 is before the choice
    with world.database.reading() as session:
        assert world.sampling.rate_in(session, "RRK") == 0.05


@pytest.mark.parametrize("rate", [0, -0.1, 0.051, float("nan")])
def test_a_rate_that_cannot_be_is_refused(world: World, rate: float) -> None:
    with pytest.raises(InvalidInput):
        world.sampling.choose_rate(OFFICER, None, rate)


def test_each_trust_chooses_its_own_rate(world: World) -> None:
    with pytest.raises(Forbidden):
        world.sampling.choose_rate(OFFICER, "RJE", 0.01)
    with pytest.raises(InvalidInput):
        world.sampling.choose_rate(REGION, None, 0.01)
    assert world.sampling.choose_rate(REGION, "RJE", 0.01) == 0.01


def all_of(world: World, ods: str = "RRK", first: int = 0) -> None:
    """Draw twenty looks of a trust, all of them."""
    with world.database.transaction() as session:
        from governance.detection.sampling import _store

        _store.add_day(session, ods, DAY, 20_000, 0.001, looks(20, ods, first))


def test_verdicts_give_the_miss_rate_and_what_it_means(world: World) -> None:
    all_of(world)
    world.sampling.judge(OFFICER, 0, Verdict.UNJUSTIFIED, "A neighbour.")
    world.sampling.judge(OFFICER, 1, Verdict.UNCLEAR, "They have left.")
    for index in range(2, 11):
        world.sampling.judge(OFFICER, index, Verdict.JUSTIFIED, "On the ward's list.")
    (summary,) = world.sampling.summaries(OFFICER)
    assert (summary.miss.judged, summary.miss.wrong, summary.unclear, summary.waiting) == (10, 1, 1, 9)
    assert summary.sentence == (
        "Of 10 drawn and judged, 1 was not justified: with 95 % confidence between 1.8% and 40.4% of the 20,000"
        " unexplained accesses that raised no alert. 1 unclear and 9 waiting are left out."
    )
    assert [act["verdict"] for act in world.acts()] == ["unjustified", "unclear", *["justified"] * 9]


def test_without_a_verdict_nothing_is_said(world: World) -> None:
    (summary,) = world.sampling.summaries(OFFICER)
    assert "nothing can be said" in summary.sentence
    assert world.sampling.summaries(REGION) == ()


def test_a_verdict_stands_and_needs_a_reason(world: World) -> None:
    all_of(world)
    with pytest.raises(InvalidInput):
        world.sampling.judge(OFFICER, 0, Verdict.JUSTIFIED, " ")
    done = world.sampling.judge(OFFICER, 0, Verdict.JUSTIFIED, "Fine.")
    assert (done.verdict, done.by) == (Verdict.JUSTIFIED, OFFICER.id)
    with pytest.raises(Conflict):
        world.sampling.judge(OFFICER, 0, Verdict.UNJUSTIFIED, "No.")


def test_nobody_sees_another_trusts_or_judges_their_own(world: World) -> None:
    all_of(world)
    all_of(world, "RJE", 100)
    assert {one.ods for one in world.sampling.list(OFFICER, SampleQuery())} == {"RRK"}
    assert {one.ods for one in world.sampling.list(REGION, SampleQuery())} == {"RRK", "RJE"}
    with pytest.raises(NotFound):
        world.sampling.judge(OFFICER, 100, Verdict.JUSTIFIED, "Fine.")
    with pytest.raises(NotFound):
        world.sampling.judge(OFFICER, 9_999, Verdict.JUSTIFIED, "Fine.")
    own = Viewer("s-3", "RRK", person=True)
    with pytest.raises(Forbidden):
        world.sampling.judge(own, 3, Verdict.JUSTIFIED, "Fine.")
    assert 3 not in {one.index for one in world.sampling.list(own, SampleQuery())}
    world.own_patients[OFFICER.id] = "p-4"
    with pytest.raises(Forbidden):
        world.sampling.judge(OFFICER, 4, Verdict.JUSTIFIED, "Fine.")
    assert "p-4" not in {one.patient for one in world.sampling.list(OFFICER, SampleQuery())}


def test_pages_of_what_waits_and_what_was_judged(world: World) -> None:
    all_of(world)
    world.sampling.judge(OFFICER, 19, Verdict.JUSTIFIED, "Fine.")
    page = world.sampling.list(OFFICER, SampleQuery(judged=False, limit=5))
    assert [one.index for one in page] == [18, 17, 16, 15, 14, 13]  # one more than asked for: there are more
    rest = world.sampling.list(OFFICER, SampleQuery(judged=False, before=14, limit=50))
    assert [one.index for one in rest] == list(range(13, -1, -1))
    assert [one.index for one in world.sampling.list(OFFICER, SampleQuery(judged=True))] == [19]
