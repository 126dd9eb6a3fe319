"""A desk that decides batches when the test says so, and remembers what was put to it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

Outcome: TypeAlias = "str | Exception"
TURNS = 12  # of the loop, after which nothing is left to happen by itself


class Fault(Exception):
    """What went wrong with one question, by its number."""


def answer_to(number: int) -> str:
    """Give what the desk answers to a question."""
    return f"answer {number}"


class Desk:
    """Decides one batch at a time; each waits until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self._under_way: asyncio.Future[Callable[[Sequence[int]], Sequence[Outcome]]] | None = None

    @property
    def busy(self) -> bool:
        """Say whether a batch is under way."""
        return self._under_way is not None

    async def decide(self, batch: Sequence[int]) -> Sequence[Outcome]:
        """Remember a batch, wait until it is let go, and do as the test says."""
        assert not self.busy, "two batches at once"
        self.batches.append(list(batch))
        self._under_way = asyncio.get_running_loop().create_future()
        try:
            made = await self._under_way
        finally:
            self._under_way = None
        return made(batch)

    def let_go(self, made: Callable[[Sequence[int]], Sequence[Outcome]] | None = None) -> None:
        """End the batch under way; ``made`` gives its outcomes or raises, else every question is answered."""
        assert self._under_way is not None
        self._under_way.set_result(made or (lambda batch: [answer_to(number) for number in batch]))

    async def let_go_of_all(self) -> None:
        """End one batch after the other until none is left."""
        await settled()
        while self.busy:
            self.let_go()
            await settled()


async def settled() -> None:
    """Let the loop turn until all that can happen by itself has happened."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
