"""What must hold of questions decided together, whoever asks, goes away or fails, in whatever order."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.access.together import Together
from governance.errors import Unavailable
from tests.fakes.desk import Desk, Fault, Outcome, answer_to, settled
from tests.worlds.loops import run

ASK, LEAVE, FINISH = "ask", "leave", "finish"
WHOLE, BREAKS, PANICS, SHORT = "whole", "breaks", "panics", "short"  # how a batch ends
STEPS = st.one_of(
    st.tuples(st.just(ASK), st.integers(1, 6), st.booleans()),  # so many ask; whether the last one's question is bad
    st.tuples(st.just(LEAVE), st.integers(0, 30), st.none()),
    st.tuples(st.just(FINISH), st.sampled_from([WHOLE, WHOLE, BREAKS, PANICS, SHORT]), st.none()),
)
LIMIT = 60.0  # seconds for what must happen at once


class Panic(BaseException):
    """What some libraries raise that is no Exception."""


class Broken(Exception):
    """A batch that failed, by its number."""


@dataclass
class Play:
    """A batcher, a desk that does as the script says, and what is known of everybody who asked."""

    size: int
    most: int
    desk: Desk = field(default_factory=Desk)
    bad: set[int] = field(default_factory=set)
    ends: list[str] = field(default_factory=list)  # of each batch
    askers: "list[asyncio.Task[str]]" = field(default_factory=list)
    ahead: dict[int, tuple[int, int]] = field(default_factory=dict)  # who waited before somebody; batches by then
    left: set[int] = field(default_factory=set)  # who went away while waiting
    refused: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.together: Together[int, str] = Together(
            self.desk.decide, together=self.size, longest_wait=0.0, most_waiting=self.most
        )

    async def ask(self, count: int, bad: bool) -> None:
        for _ in range(count):
            self.askers.append(asyncio.ensure_future(self.asked(len(self.askers))))
        if bad:
            self.bad.add(len(self.askers) - 1)
        await settled()

    async def asked(self, number: int) -> str:
        waiting = self.together.waiting
        assert waiting <= self.most
        self.ahead[number] = waiting, len(self.desk.batches)
        if waiting == self.most:
            self.refused.add(number)
        return await self.together.ask(number)

    async def leave(self, place: int) -> None:
        begun = {number for batch in self.desk.batches for number in batch}
        waiting = [n for n, asker in enumerate(self.askers) if not asker.done() and n not in begun]
        if waiting:
            number = waiting[place % len(waiting)]
            self.left.add(number)
            self.askers[number].cancel()
        await settled()

    async def finish(self, end: str) -> None:
        if not self.desk.busy:
            return
        self.ends.append(end)
        number = len(self.desk.batches) - 1

        def made(batch: Sequence[int]) -> Sequence[Outcome]:
            if end == BREAKS:
                raise Broken(number)
            if end == PANICS:
                raise Panic
            outcomes: list[Outcome] = [Fault(one) if one in self.bad else answer_to(one) for one in batch]
            return outcomes[1:] if end == SHORT else outcomes

        self.desk.let_go(made)
        await settled()

    async def play(self, script: Sequence[tuple]) -> None:
        for step, what, more in script:
            if step == ASK:
                await self.ask(what, more)
            elif step == LEAVE:
                await self.leave(what)
            else:
                await self.finish(what)
            assert self.desk.busy or not self.together.waiting, "somebody waits and nothing is decided"
        while self.desk.busy:
            await self.finish(WHOLE)
        await asyncio.wait_for(asyncio.gather(*self.askers, return_exceptions=True), LIMIT)


def played(size: int, most: int, script: Sequence[tuple]) -> Play:
    async def main() -> Play:
        made = Play(size, most)
        await made.play([(ASK, 1, False), *script])
        assert all(asker.done() for asker in made.askers), "everybody has an outcome"
        return made

    return run(main())


PLAYS = {"size": st.integers(1, 4), "most": st.integers(1, 9), "script": st.lists(STEPS, max_size=25)}


@given(**PLAYS)
@settings(max_examples=150, deadline=None)
def test_everybody_gets_their_own_outcome_and_no_neighbours(size: int, most: int, script: list[tuple]) -> None:
    made = played(size, most, script)
    of_batch = {one: number for number, batch in enumerate(made.desk.batches) for one in batch}
    for number, asker in enumerate(made.askers):
        if number in made.left:
            assert asker.cancelled()
            continue
        error = asker.exception()
        if number in made.refused:
            assert isinstance(error, Unavailable)
            assert (error.reason, error.retry_after) == ("access.overloaded", 1)
            continue
        end = made.ends[of_batch[number]]
        if end == BREAKS:
            assert isinstance(error, Broken)
            assert error.args == (of_batch[number],)
        elif end != WHOLE:
            assert type(error) is {PANICS: RuntimeError, SHORT: ValueError}[end]
        elif number in made.bad:
            assert isinstance(error, Fault)
            assert error.args == (number,)
        else:
            assert asker.result() == answer_to(number)


@given(**PLAYS)
@settings(max_examples=150, deadline=None)
def test_first_come_first_served_and_who_left_or_was_refused_is_not_decided(
    size: int, most: int, script: list[tuple]
) -> None:
    made = played(size, most, script)
    decided = [number for batch in made.desk.batches for number in batch]
    assert decided == [n for n in range(len(made.askers)) if n not in made.left | made.refused]
    assert all(0 < len(batch) <= size for batch in made.desk.batches)


@given(**PLAYS)
@settings(max_examples=150, deadline=None)
def test_nobody_waits_for_more_batches_than_fit_those_before_them(size: int, most: int, script: list[tuple]) -> None:
    made = played(size, most, script)
    for place, batch in enumerate(made.desk.batches):
        for number in batch:
            ahead, batches = made.ahead[number]
            assert place - batches <= ahead // size


@given(crowd=st.integers(1, 60), size=st.integers(1, 16), rounds=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_a_crowd_that_asks_again_at_once_keeps_no_newcomer_waiting(crowd: int, size: int, rounds: int) -> None:
    async def main() -> None:
        batches = 0
        arrived = asyncio.Event()

        async def decide(batch: Sequence[int]) -> Sequence[str | Exception]:
            nonlocal batches
            batches += 1
            if batches == rounds:
                arrived.set()
            await asyncio.sleep(0)
            return [answer_to(number) for number in batch]

        together = Together(decide, together=size, longest_wait=0.0)

        async def insist(number: int) -> None:
            while True:
                assert await together.ask(number) == answer_to(number)

        askers = [asyncio.ensure_future(insist(number)) for number in range(crowd)]
        async with asyncio.timeout(LIMIT):
            await arrived.wait()
            ahead, before = together.waiting, batches
            assert await together.ask(crowd) == answer_to(crowd)
            assert batches - before <= ahead // size + 2, "those before, the one under way, and its own"
        for asker in askers:
            asker.cancel()
        assert all(
            isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*askers, return_exceptions=True)
        )

    run(main())
