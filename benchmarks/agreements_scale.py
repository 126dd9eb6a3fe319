"""3,000 agreements against 30: how long compiling takes, and what one decision of the embedded engine costs."""

import statistics
import time

from benchmarks._line import line
from governance.agreements import PolicyData
from governance.agreements.compilation import Compilable, compile_policy
from governance.agreements.documents import check
from governance.decisions import PolicySource, RegorusEngine
from governance.vocabulary import AgreementStatus
from tests.worlds.agreements import document
from tests.worlds.policy import REQUEST

FEW, MANY, ROUNDS, DECISIONS = 30, 3_000, 7, 2_000


def run() -> None:
    """Compile both, then decide one request under each in turns; the median round counts."""
    few, _ = _compiled(FEW)
    many, seconds = _compiled(MANY)
    engines = [RegorusEngine(PolicySource.from_directory()) for _ in range(2)]
    for engine, data in zip(engines, (many, few), strict=True):
        engine.load(data)
    rounds: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        ours, theirs = (_microseconds(engine) for engine in engines)
        rounds.append((ours, theirs))
    ours, theirs = (statistics.median(values) for values in zip(*rounds, strict=True))
    note = f"us a decision, {MANY:,} agreements against {FEW}; {MANY:,} compiled in {seconds:.2f} s"
    line("agreements decision_cost", ours, theirs, note)


def _compiled(count: int) -> tuple[PolicyData, float]:
    """Give the policy data of agreements between as many pairs of trusts, the first of which answers the request."""
    made = [Compilable(_agreement(number), AgreementStatus.ACTIVE, fully_signed=True) for number in range(count)]
    began = time.perf_counter()
    data = compile_policy(made)
    return data, time.perf_counter() - began


def _agreement(number: int):  # type: ignore[no-untyped-def]
    owner, recipient = ("RRK", "RKB") if number == 0 else (f"A{number // 60:02}", f"B{number % 60:02}")
    parties = [{"ods": owner, "role": "controller"}, {"ods": recipient, "role": "controller"}]
    direction = {"owners": [owner, recipient], "recipients": [recipient]}
    return check(document(id=f"agreement-{number}", parties=parties, direction=direction)).agreement


def _microseconds(engine: RegorusEngine) -> float:
    began = time.perf_counter()
    for _ in range(DECISIONS):
        engine.evaluate(REQUEST)
    return (time.perf_counter() - began) / DECISIONS * 1_000_000


if __name__ == "__main__":
    run()
