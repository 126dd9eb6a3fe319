"""A batch of questions, decided for an event loop: on one snapshot, recorded in one append, answered each for itself.

1. The life of each token is looked up on the snapshot its question is decided on. A dead one costs its neighbours
   nothing.
2. The batch is decided on the loop if that waits for nothing: the engine is in this process, the terms have not
   changed, a snapshot is to be had at once. Otherwise all of it is done in a thread.
3. No answer is returned before the log has the batch, and each only if the log took its decision.

Example: ``Together(EvaluationBatches(access, tokens).decide)`` gathers the questions of one event loop.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

from sqlmodel import Session

from governance.access.access import AccessAnswer, AccessService, Asked
from governance.access.asker import Asker
from governance.audit import Receipt
from governance.decisions import AccessRequest
from governance.storage import WouldWait, at_once, hurried
from governance.storage.patience import REQUEST_PATIENCE
from governance.tokens import AccessClaims, TokenRefused, TokenService

Outcome: TypeAlias = AccessAnswer | Exception


@dataclass(frozen=True, slots=True)
class Question:
    """One question, who asks it, and the verified token they ask by, whose life is still to be looked up."""

    request: AccessRequest
    asker: Asker
    claims: AccessClaims


@dataclass(frozen=True, slots=True)
class _Decided:
    """A batch on its way into the log: the refusal of each question, or its place among those asked."""

    refused: Sequence[TokenRefused | None]
    asked: Asked | None


class EvaluationBatches:
    """Decides batches of questions.

    Args:
        access: decides and records.
        tokens: knows which tokens live.
        patience: seconds that a batch waits for one answer of the database.
    """

    def __init__(self, access: AccessService, tokens: TokenService, patience: float = REQUEST_PATIENCE) -> None:
        self._access = access
        self._tokens = tokens
        self._patience = patience
        self._thread = ThreadPoolExecutor(1, "decision")

    async def decide(self, questions: Sequence[Question]) -> list[Outcome]:
        """Decide a batch and come back when the log has it.

        Gives for each question its answer, or the error that kept it: TokenRefused when its token does not live,
        Conflict when the log refused its decision.

        Raises:
            Unavailable: the batch could not be decided or recorded; nobody may act on any of it.
        """
        decided = self._ask_at_once(questions)
        if decided is None:
            decided = await asyncio.get_running_loop().run_in_executor(self._thread, self._ask_patiently, questions)
        if decided.asked is None:
            return [refusal for refusal in decided.refused if refusal]
        receipts = await asyncio.wrap_future(decided.asked.receipts)
        places = iter(range(len(receipts)))
        return [refusal or self._answer(decided.asked, next(places), receipts) for refusal in decided.refused]

    def _ask_at_once(self, questions: Sequence[Question]) -> _Decided | None:
        """Decide a batch here, if nothing makes it wait; None, and nothing was done, when something would."""
        if not self._access.decides_without_io:
            return None
        try:
            with at_once():
                return self._ask(questions)
        except WouldWait:
            return None

    def _ask_patiently(self, questions: Sequence[Question]) -> _Decided:
        """Decide a batch in a thread that may wait, though no longer than a request does."""
        with hurried(self._patience):
            return self._ask(questions)

    def _ask(self, questions: Sequence[Question]) -> _Decided:
        """Decide the questions whose token lives, on one snapshot, and hand the decisions to the log."""
        with self._access.snapshot() as session:
            refused = [self._refusal(session, question) for question in questions]
            living = [(one.request, one.asker) for one, dead in zip(questions, refused, strict=True) if not dead]
            return _Decided(refused, self._access.ask(living, session) if living else None)

    def _refusal(self, session: Session, question: Question) -> TokenRefused | None:
        """Give why the token of a question opens nothing; None when it lives."""
        try:
            self._tokens.check_alive(session, question.claims)
        except TokenRefused as refusal:
            return refusal
        return None

    def _answer(self, asked: Asked, place: int, receipts: Sequence[Receipt]) -> Outcome:
        try:
            return self._access.answer(asked, place, receipts)
        except Exception as error:  # noqa: BLE001 - each its own
            return error
