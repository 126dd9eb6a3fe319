"""Questions decided together: who waits for whom, and what happens to the others when something goes wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from governance.access.together import Together
from governance.errors import Unavailable
from tests.fakes.desk import Desk, Fault, Outcome, answer_to, settled
from tests.worlds import loops

NEVER = 3600.0  # seconds: longer than any test
LONG_ENOUGH = 30.0  # seconds for what must happen at once
Answers = Sequence[str | BaseException]


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test on a loop of its own, within a time."""

    async def limited() -> None:
        async with asyncio.timeout(LONG_ENOUGH):
            await test()

    loops.run(limited())


async def outcomes(*askers: "asyncio.Task[str]") -> Answers:
    return await asyncio.gather(*askers, return_exceptions=True)


def asking(together: Together[int, str], *numbers: int) -> "list[asyncio.Task[str]]":
    return [asyncio.ensure_future(together.ask(number)) for number in numbers]


async def at_once(batch: Sequence[int]) -> Sequence[Outcome]:
    return [answer_to(number) for number in batch]


def test_whoever_is_alone_waits_for_nobody() -> None:
    async def test() -> None:
        together = Together(at_once, longest_wait=NEVER)
        for number in range(3):
            assert await together.ask(number) == answer_to(number)
            assert together.last_batch_size == 1

    run(test)


def test_those_who_ask_during_a_batch_are_the_next_one() -> None:
    async def test() -> None:
        desk = Desk()
        together = Together(desk.decide, longest_wait=0.0)
        askers = asking(together, 0)
        await settled()
        askers += asking(together, 1, 2, 3)
        await settled()
        assert (desk.batches, together.waiting) == ([[0]], 3)
        await desk.let_go_of_all()
        assert desk.batches == [[0], [1, 2, 3]]
        assert await outcomes(*askers) == [answer_to(number) for number in range(4)]

    run(test)


def test_a_batch_waits_for_as_many_as_were_in_the_last_one() -> None:
    async def test() -> None:
        desk = Desk()
        together = Together(desk.decide, longest_wait=NEVER)
        askers = asking(together, 0, 1, 2)
        await desk.let_go_of_all()
        for number in (3, 4, 5):
            assert desk.batches == [[0, 1, 2]]
            askers += asking(together, number)
            await settled()
        assert desk.batches == [[0, 1, 2], [3, 4, 5]]
        await desk.let_go_of_all()
        assert await outcomes(*askers) == [answer_to(number) for number in range(6)]

    run(test)


def test_a_batch_waits_no_longer_than_the_longest_wait() -> None:
    async def test() -> None:
        together = Together(at_once)
        assert len(await outcomes(*asking(together, 0, 1, 2))) == 3
        assert (together.last_batch_size, together.longest_wait) == (3, 0.005)
        assert await together.ask(3) == answer_to(3)
        assert together.last_batch_size == 1

    run(test)


def test_a_batch_has_at_most_so_many_questions_and_those_who_came_first() -> None:
    async def test() -> None:
        desk = Desk()
        askers = asking(Together(desk.decide, together=16, longest_wait=0.0), *range(40))
        await desk.let_go_of_all()
        assert desk.batches == [list(range(16)), list(range(16, 32)), list(range(32, 40))]
        assert await outcomes(*askers) == [answer_to(number) for number in range(40)]

    run(test)


def test_an_outcome_that_is_an_exception_is_its_own_askers_alone() -> None:
    async def test() -> None:
        async def decide(batch: Sequence[int]) -> Sequence[Outcome]:
            return [Fault(number) if number % 2 else answer_to(number) for number in batch]

        found = await outcomes(*asking(Together(decide), 0, 1, 2, 3))
        assert found[::2] == [answer_to(0), answer_to(2)]
        assert [(type(one), one.args) for one in found[1::2] if isinstance(one, Fault)] == [
            (Fault, (1,)),
            (Fault, (3,)),
        ]

    run(test)


class Panic(BaseException):
    """What some libraries raise that is no Exception."""


@pytest.mark.parametrize(
    ("error", "heard"),
    [
        (KeyError("x"), KeyError),
        (TimeoutError(), TimeoutError),
        (Unavailable("audit.unavailable", "No."), Unavailable),
        (Panic(), RuntimeError),
        (StopIteration(), RuntimeError),
        (asyncio.CancelledError(), RuntimeError),
    ],
)
def test_a_batch_that_fails_fails_its_own_askers_and_the_next_is_decided(
    error: BaseException, heard: type[Exception]
) -> None:
    async def test() -> None:
        desk = Desk()
        together = Together(desk.decide, together=2, longest_wait=0.0)
        askers = asking(together, 0, 1, 2, 3)
        await settled()

        def fail(_batch: Sequence[int]) -> Sequence[Outcome]:
            raise error

        desk.let_go(fail)
        await desk.let_go_of_all()
        found = await outcomes(*askers)
        assert [type(one) for one in found[:2]] == [heard, heard]
        assert found[2:] == [answer_to(2), answer_to(3)]
        askers = asking(together, 4)
        await desk.let_go_of_all()
        assert await outcomes(*askers) == [answer_to(4)]

    run(test)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_batch_with_another_number_of_outcomes_gives_nobody_somebody_elses(count: int) -> None:
    async def test() -> None:
        async def decide(batch: Sequence[int]) -> Sequence[Outcome]:
            return [answer_to(number) for number in (*batch, 9)][:count]

        found = await outcomes(*asking(Together(decide), 0, 1))
        assert [type(one) for one in found] == [ValueError, ValueError]

    run(test)


def test_one_who_goes_away_before_the_batch_begins_is_not_decided() -> None:
    async def test() -> None:
        desk = Desk()
        together = Together(desk.decide, longest_wait=0.0)
        askers = asking(together, 0, 1, 2)
        await settled()
        askers += asking(together, 3, 4)
        await settled()
        askers[3].cancel()  # waits
        askers[1].cancel()  # is being decided
        await settled()
        assert together.waiting == 1
        await desk.let_go_of_all()
        assert desk.batches == [[0, 1, 2], [4]]
        found = await outcomes(*askers)
        assert [isinstance(one, asyncio.CancelledError) for one in found] == [False, True, False, True, False]
        assert [found[place] for place in (0, 2, 4)] == [answer_to(0), answer_to(2), answer_to(4)]

    run(test)


def test_when_all_who_waited_went_away_nothing_is_decided_and_the_next_is() -> None:
    async def test() -> None:
        desk = Desk()
        together = Together(desk.decide, longest_wait=0.0)
        first = asking(together, 0)
        await settled()
        waiting = asking(together, 1, 2)
        await settled()
        for asker in waiting:
            asker.cancel()
        await desk.let_go_of_all()
        last = asking(together, 3)
        await desk.let_go_of_all()
        assert desk.batches == [[0], [3]]
        assert await outcomes(*first, *last) == [answer_to(0), answer_to(3)]

    run(test)


def test_beyond_the_bound_the_answer_is_to_ask_again_at_once() -> None:
    async def test() -> None:
        desk = Desk()
        together = Together(desk.decide, longest_wait=0.0, most_waiting=2)
        askers = asking(together, 0)
        await settled()
        askers += asking(together, 1, 2)
        await settled()
        with pytest.raises(Unavailable) as refused:
            await together.ask(3)
        assert (refused.value.reason, refused.value.retry_after) == ("access.overloaded", 1)
        await desk.let_go_of_all()
        assert await outcomes(*askers) == [answer_to(number) for number in range(3)]
        assert desk.batches == [[0], [1, 2]]

    run(test)


def test_nobody_waits_longer_than_the_limit_and_the_next_batch_begins() -> None:
    async def test() -> None:
        desk = Desk()
        together = Together(desk.decide, together=1, longest_wait=0.0, limit=0.05)
        found = await outcomes(*asking(together, 0, 1))
        assert [one.reason for one in found if isinstance(one, Unavailable)] == ["access.late", "access.late"]
        assert together.waiting == 0
        await settled()
        assert desk.batches == [[0]], "one who has a refusal is not decided"
        asker = asking(together, 2)
        await desk.let_go_of_all()
        assert await outcomes(*asker) == [answer_to(2)]

    run(test)


def test_closing_refuses_those_who_wait_and_finishes_the_batch() -> None:
    async def test() -> None:
        desk = Desk()
        together = Together(desk.decide, longest_wait=0.0)
        under_way = asking(together, 0)
        await settled()
        waiting = asking(together, 1, 2)
        await settled()
        together.close()
        refused = await outcomes(*waiting)
        assert [one.reason for one in refused if isinstance(one, Unavailable)] == ["access.closing"] * 2
        with pytest.raises(Unavailable, match="closing"):
            await together.ask(3)
        await desk.let_go_of_all()
        assert await outcomes(*under_way) == [answer_to(0)]
        assert desk.batches == [[0]]

    run(test)


def test_closing_ends_the_wait_for_as_many_as_last_time() -> None:
    async def test() -> None:
        together = Together(at_once, longest_wait=NEVER)
        await outcomes(*asking(together, 0, 1))
        waiting = asking(together, 2)
        await settled()
        together.close()
        assert [type(one) for one in await outcomes(*waiting)] == [Unavailable]

    run(test)


def test_when_the_loop_ends_nobody_is_left_waiting() -> None:
    heard: list[str] = []

    async def main() -> None:
        desk = Desk()
        together = Together(desk.decide, together=1)

        async def ask(number: int) -> None:
            try:
                await asyncio.shield(asyncio.ensure_future(together.ask(number)))
            except (Unavailable, asyncio.CancelledError) as error:
                heard.append(type(error).__name__)

        for number in (0, 1):
            asyncio.ensure_future(ask(number))  # noqa: RUF006 - the loop is to end with them
        await settled()

    loops.run(main())
    assert len(heard) == 2
