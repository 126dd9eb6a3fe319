"""Questions decided together: one batch at a time, each asker with an answer of their own.

A batch costs one snapshot and one commit, however many questions it holds. Whoever asks while a batch is being decided
and recorded would wait for that commit anyway, and is in the next batch::

    time ──────────────────────────────────────────────────────────────────────►
    asked     a      b c d              b a   c          d
    batch     [ a         ][ b c d      ]     [ b a c    ][ d         ]
    answered              a             b c d            b a c        d
              │                         │··w··│
              alone: waits for nobody   two wait until they are three, as in the last batch, or until LONGEST_WAIT

1. No batch begins while another is under way. The next takes those who wait, first come first served, at most
   :data:`TOGETHER`; so of ``n`` that wait before somebody at most ``n // TOGETHER + 1`` batches are decided first.
2. Those answered together ask again together: a batch waits until as many are there as were in the last one, but no
   longer than :data:`LONGEST_WAIT`. Whoever was alone waits for nobody.
3. Nobody's fault is a neighbour's: a batch that fails fails its own askers only, an outcome that is an exception is
   raised to its own asker only, and the next batch begins after either.
4. An asker who goes away before their batch begins is not decided and takes no place.
5. Every wait has a limit: :data:`MOST_WAITING` askers may wait, and each no longer than :data:`LIMIT`, the recording of
   their batch included. A batch under way gets no more time either: then the next one begins.
6. Closing refuses those who wait and lets the batch under way finish.

It knows nothing of HTTP, of policies or of the log, and belongs to the event loop it is first asked on.

Example: ``answer = await Together(decide).ask(question)``.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from itertools import repeat
from typing import Generic, TypeVar

from governance.errors import Unavailable

TOGETHER = 16  # questions in one batch
LONGEST_WAIT = 0.005  # seconds that a batch waits for as many as were in the last one
MOST_WAITING = 512  # askers: about a second's work (decision 0006); whoever came later is better told to ask again
LIMIT = 4.5  # seconds from question to answer: the database's time, and what the rest takes

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(slots=True, eq=False)
class _Asker(Generic[Q, A]):
    """One question and who waits for its answer; ``begun`` once it left those that wait for their batch."""

    question: Q
    answer: asyncio.Future[A]
    begun: bool = False

    def take(self, outcome: A | Exception) -> None:
        """Get an answer or an error, unless there is one already or the asker went away."""
        if self.answer.done():
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(_raisable(outcome))
        else:
            self.answer.set_result(outcome)


class Together(Generic[Q, A]):
    """Gathers questions into batches.

    Args:
        decide: decides the questions of a batch and comes back when their answers may be given: one outcome each, in
            order, an answer or the exception that its asker gets.
        together: questions in one batch at most.
        longest_wait: seconds that a batch waits for as many as were in the last one.
        most_waiting: askers that may wait.
        limit: seconds that an asker waits in all, and that a batch may take.
    """

    def __init__(
        self,
        decide: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]],
        *,
        together: int = TOGETHER,
        longest_wait: float = LONGEST_WAIT,
        most_waiting: int = MOST_WAITING,
        limit: float = LIMIT,
    ) -> None:
        self.last_batch_size = 0
        self.longest_wait = longest_wait
        self._decide = decide
        self._together = together
        self._most_waiting = most_waiting
        self._limit = limit
        self._waiting: deque[_Asker[Q, A]] = deque()
        self._gathered = asyncio.Event()  # as many wait as were in the last batch, or the wait for them is over
        self._running: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """Give how many wait for their batch to begin."""
        return len(self._waiting)

    async def ask(self, question: Q) -> A:
        """Have a question decided with those that wait beside it, and give its own answer.

        Raises:
            Unavailable: too many wait already, the time is over, or the service is closing; nothing was answered.
            Exception: whatever kept this question, or its whole batch, from an answer.
        """
        asker = self._admit(question)
        late = asyncio.get_running_loop().call_later(self._limit, lambda: asker.take(_late()))
        try:
            return await asker.answer
        finally:
            late.cancel()
            self._forget(asker)

    def close(self) -> None:
        """Take no more questions and refuse those that wait; the batch under way finishes."""
        self._closed = True
        self._refuse_waiting()
        self._gathered.set()

    def _admit(self, question: Q) -> _Asker[Q, A]:
        """Let a question wait for its batch, and see that batches are decided. Raises Unavailable."""
        if self._closed:
            raise _closing()
        if len(self._waiting) >= self._most_waiting:
            raise Unavailable("access.overloaded", "More questions wait than can be answered soon.", retry_after=1)
        asker: _Asker[Q, A] = _Asker(question, asyncio.get_running_loop().create_future())
        self._waiting.append(asker)
        if len(self._waiting) >= self.last_batch_size:
            self._gathered.set()
        if self._running is None:
            self._running = asyncio.create_task(self._run(), context=Context())  # of no one request
        return asker

    def _forget(self, asker: _Asker[Q, A]) -> None:
        """Take an asker who has an error, or went away, out of those whose batch has not begun."""
        if not asker.begun:
            self._waiting.remove(asker)

    async def _run(self) -> None:
        """Decide what waits, a batch at a time, until nothing does."""
        try:
            while self._waiting:
                await self._gather()
                if batch := self._next_batch():
                    await self._decide_batch(batch)
        finally:
            self._running = None
            self._refuse_waiting()  # nobody waits here but when the loop itself ends

    async def _gather(self) -> None:
        """Wait until as many are there as were in the last batch, or the longest wait is over (rule 2)."""
        if len(self._waiting) >= self.last_batch_size:
            return
        self._gathered.clear()
        over = asyncio.get_running_loop().call_later(self.longest_wait, self._gathered.set)
        try:
            await self._gathered.wait()
        finally:
            over.cancel()

    def _next_batch(self) -> list[_Asker[Q, A]]:
        """Take those who came first and have not gone away."""
        batch: list[_Asker[Q, A]] = []
        while self._waiting and len(batch) < self._together:
            asker = self._next()
            if not asker.answer.done():
                batch.append(asker)
        self.last_batch_size = len(batch)
        return batch

    async def _decide_batch(self, batch: Sequence[_Asker[Q, A]]) -> None:
        """Decide a batch and give each asker their outcome; whatever happens, each has one afterwards (rule 3)."""
        outcomes: Iterable[A | Exception]
        try:
            async with asyncio.timeout(self._limit) as limit:
                outcomes = await self._outcomes(batch)
        except BaseException as error:
            if _ends_the_loop(error):
                _give(batch, repeat(_closing()))
                raise
            outcomes = repeat(_late() if limit.expired() else _raisable(error))
        _give(batch, outcomes)

    async def _outcomes(self, batch: Sequence[_Asker[Q, A]]) -> Sequence[A | Exception]:
        """Decide a batch. Raises what the decision raises, ValueError when it does not answer each question."""
        outcomes = await self._decide([asker.question for asker in batch])
        if len(outcomes) != len(batch):
            raise ValueError("a batch needs one outcome for each of its questions")
        return outcomes

    def _refuse_waiting(self) -> None:
        while self._waiting:
            self._next().take(_closing())

    def _next(self) -> _Asker[Q, A]:
        asker = self._waiting.popleft()
        asker.begun = True
        return asker


def _give(batch: Iterable[_Asker[Q, A]], outcomes: Iterable[A | Exception]) -> None:
    for asker, outcome in zip(batch, outcomes, strict=False):
        asker.take(outcome)


def _ends_the_loop(error: BaseException) -> bool:
    """Say whether the batcher itself is being stopped, which is more than a batch that fails."""
    task = asyncio.current_task()
    return isinstance(error, KeyboardInterrupt | SystemExit) or (task is not None and task.cancelling() > 0)


def _raisable(error: BaseException) -> Exception:
    """Give an error as a future can hold it: some libraries panic with what is no ``Exception``."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    made = RuntimeError(f"a batch ended in {type(error).__name__}")
    made.__cause__ = error
    return made


def _late() -> Unavailable:
    return Unavailable("access.late", "The question was not answered in time. It can be asked again.", retry_after=1)


def _closing() -> Unavailable:
    return Unavailable("access.closing", "The service is closing. Ask again.", retry_after=1)
