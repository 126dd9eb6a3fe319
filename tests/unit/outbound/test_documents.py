"""Documents are served while they are renewed, and a provider in trouble is left in peace."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from governance.clock import FixedClock
from governance.errors import Unavailable
from governance.outbound import LOOPBACK, Budget, CallPurpose, Documents, Freshness, Outbound, Peers, within
from tests.fakes.stranger import Conversation, document, stranger

PATIENCE = 30.0  # seconds within which a thing that must happen has happened
ADDRESS = "https://idp.example/jwks"
FRESHNESS = Freshness(
    lifetime=timedelta(minutes=5),
    stale=timedelta(hours=1),
    cool_down=timedelta(seconds=10),
    renewal=timedelta(seconds=10),
    patience=0.05,
    most=PATIENCE,
)


class Provider:
    """Gives a new document at each fetch, when it is let to, or fails."""

    def __init__(self) -> None:
        self.fetches: list[str] = []
        self.failure: BaseException | None = None
        self.open = threading.Event()
        self.open.set()
        self.begun = threading.Semaphore(0)

    def fetch(self, address: str) -> str:
        self.fetches.append(address)
        number = len(self.fetches)
        self.begun.release()
        assert self.open.wait(PATIENCE)
        if self.failure is not None:
            raise self.failure
        return f"document {number}"


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def documents(provider: Provider) -> Documents[str]:
    return Documents(provider.fetch, FRESHNESS)


@pytest.fixture
def beside() -> Any:
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


def test_a_document_is_fetched_once_in_its_lifetime(
    documents: Documents[str], provider: Provider, clock: FixedClock
) -> None:
    assert {documents.get(ADDRESS, clock.now()) for _ in range(5)} == {"document 1"}
    clock.advance(timedelta(minutes=5))
    assert documents.get(ADDRESS, clock.now()) == "document 2"
    assert len(provider.fetches) == 2


def test_the_last_one_serves_while_a_renewal_hangs(
    documents: Documents[str], provider: Provider, clock: FixedClock
) -> None:
    documents.get(ADDRESS, clock.now())
    clock.advance(timedelta(minutes=6))
    provider.open.clear()
    assert [documents.get(ADDRESS, clock.now()) for _ in range(5)] == ["document 1"] * 5
    assert len(provider.fetches) == 2, "one renewal runs at a time"
    provider.open.set()
    assert eventually(lambda: documents.get(ADDRESS, clock.now()) == "document 2")
    assert len(provider.fetches) == 2


def test_nobody_waits_for_a_renewal_that_somebody_else_began(
    provider: Provider, clock: FixedClock, beside: Callable[..., "Future[str]"]
) -> None:
    documents = Documents(
        provider.fetch, Freshness(timedelta(minutes=5), timedelta(hours=1), timedelta(0), patience=PATIENCE)
    )
    documents.get(ADDRESS, clock.now())
    clock.advance(timedelta(minutes=6))
    provider.open.clear()
    assert provider.begun.acquire(timeout=PATIENCE)
    patient = beside(documents.get, ADDRESS, clock.now())
    assert provider.begun.acquire(timeout=PATIENCE)
    assert documents.get(ADDRESS, clock.now()) == "document 1"
    assert not patient.done()
    provider.open.set()
    assert patient.result(PATIENCE) == "document 2"


def test_whoever_has_nothing_waits_for_the_one_fetch(
    documents: Documents[str], provider: Provider, clock: FixedClock, beside: Callable[..., "Future[str]"]
) -> None:
    provider.open.clear()
    waiting = [beside(documents.get, ADDRESS, clock.now()) for _ in range(8)]
    assert provider.begun.acquire(timeout=PATIENCE)
    provider.open.set()
    assert {each.result(PATIENCE) for each in waiting} == {"document 1"}
    assert len(provider.fetches) == 1


def test_whoever_has_nothing_waits_no_longer_than_the_most(provider: Provider, clock: FixedClock) -> None:
    documents = Documents(provider.fetch, Freshness(timedelta(1), timedelta(1), timedelta(1), most=0.05))
    provider.open.clear()
    with pytest.raises(Unavailable):
        documents.get(ADDRESS, clock.now())
    provider.open.set()


def test_a_total_around_the_call_bounds_the_wait(
    documents: Documents[str], provider: Provider, clock: FixedClock
) -> None:
    provider.open.clear()
    with within(0.05), pytest.raises(Unavailable):
        documents.get(ADDRESS, clock.now())
    provider.open.set()


def test_a_failure_is_remembered_for_the_cool_down(
    documents: Documents[str], provider: Provider, clock: FixedClock
) -> None:
    provider.failure = Unavailable("provider.away", "It is away.", 7)
    for _ in range(5):
        with pytest.raises(Unavailable) as caught:
            documents.get(ADDRESS, clock.now())
        assert (caught.value.reason, caught.value.detail, caught.value.retry_after) == (
            "provider.away",
            "It is away.",
            7,
        )
    assert len(provider.fetches) == 1
    provider.failure = None
    clock.advance(timedelta(seconds=10))
    assert documents.get(ADDRESS, clock.now()) == "document 2"


def test_a_failed_renewal_is_not_tried_again_at_once_and_the_last_one_serves(
    documents: Documents[str], provider: Provider, clock: FixedClock
) -> None:
    documents.get(ADDRESS, clock.now())
    provider.failure = Unavailable("provider.away", "It is away.")
    clock.advance(timedelta(minutes=6))
    assert {documents.get(ADDRESS, clock.now()) for _ in range(5)} == {"document 1"}
    assert len(provider.fetches) == 2
    clock.advance(timedelta(seconds=11))
    assert documents.get(ADDRESS, clock.now()) == "document 1"
    assert len(provider.fetches) == 3


def test_a_document_that_is_too_old_does_not_serve(
    documents: Documents[str], provider: Provider, clock: FixedClock
) -> None:
    documents.get(ADDRESS, clock.now())
    provider.failure = Unavailable("provider.away", "It is away.")
    clock.advance(timedelta(hours=1))
    with pytest.raises(Unavailable):
        documents.get(ADDRESS, clock.now())


def test_what_is_missing_in_a_document_makes_it_be_fetched_again_but_not_in_a_flood(
    documents: Documents[str], provider: Provider, clock: FixedClock
) -> None:
    documents.get(ADDRESS, clock.now())
    for _ in range(5):
        assert documents.get(ADDRESS, clock.now(), lambda found: found.endswith("9")) == "document 1"
    assert len(provider.fetches) == 1
    clock.advance(timedelta(seconds=10))
    assert documents.get(ADDRESS, clock.now(), lambda found: found.endswith("2")) == "document 2"


def test_a_fault_of_ours_is_raised_and_not_remembered_as_theirs(
    documents: Documents[str], provider: Provider, clock: FixedClock
) -> None:
    provider.failure = KeyError("ours")
    with pytest.raises(KeyError):
        documents.get(ADDRESS, clock.now())
    with pytest.raises(Unavailable):
        documents.get(ADDRESS, clock.now())


def test_a_fault_of_ours_in_a_renewal_leaves_the_last_document_serving(provider: Provider, clock: FixedClock) -> None:
    freshness = Freshness(timedelta(minutes=5), timedelta(hours=1), timedelta(seconds=10), patience=PATIENCE)
    documents = Documents(provider.fetch, freshness)
    documents.get(ADDRESS, clock.now())
    provider.failure = KeyError("ours")
    clock.advance(timedelta(minutes=6))
    assert documents.get(ADDRESS, clock.now()) == "document 1"
    clock.advance(timedelta(hours=1))
    with pytest.raises(KeyError):
        documents.get(ADDRESS, clock.now())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fetch_that_ends_in_no_ordinary_way_is_over_and_the_next_one_begins(
    provider: Provider, clock: FixedClock
) -> None:
    documents = Documents(provider.fetch, Freshness(timedelta(1), timedelta(1), timedelta(seconds=10), most=1.0))
    provider.failure = SystemExit()
    with pytest.raises(Unavailable):
        documents.get(ADDRESS, clock.now())
    provider.failure = None
    clock.advance(timedelta(seconds=10))
    assert documents.get(ADDRESS, clock.now()) == "document 2"


def test_a_machine_without_threads_serves_what_there_is(
    documents: Documents[str], provider: Provider, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuses)
        with pytest.raises(Unavailable):
            documents.get(ADDRESS, clock.now())
    assert documents.get(ADDRESS, clock.now()) == "document 1"
    clock.advance(timedelta(minutes=6))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuses)
        assert documents.get(ADDRESS, clock.now()) == "document 1"
    assert documents.get(ADDRESS, clock.now()) in {"document 1", "document 2"}


def test_documents_are_bounded_and_those_used_last_stay(provider: Provider, clock: FixedClock) -> None:
    documents = Documents(provider.fetch, Freshness(timedelta(1), timedelta(1), timedelta(1), capacity=2))
    for name in "abac":
        documents.get(name, clock.now())
    assert provider.fetches == ["a", "b", "c"]
    documents.get("a", clock.now())
    assert provider.fetches == ["a", "b", "c"]
    documents.get("b", clock.now())
    assert provider.fetches == ["a", "b", "c", "b"]


def test_a_renewal_that_hangs_at_a_real_server_leaves_the_last_document_and_ends_in_time(clock: FixedClock) -> None:
    """The whole of it: a server that answers once and then drips, a client with a total, documents over it."""
    outbound = Outbound(Peers(LOOPBACK), budgets={CallPurpose.JWKS: Budget(1.0, 1 << 16)})
    slow = threading.Event()

    def behave(conversation: Conversation) -> None:
        if slow.is_set():
            conversation.drip(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1000)
        else:
            document(b"first")(conversation)

    with stranger(behave) as served:
        documents = Documents(lambda address: outbound.get(CallPurpose.JWKS, address).body, FRESHNESS)
        assert documents.get(served.url, clock.now()) == b"first"
        slow.set()
        clock.advance(timedelta(minutes=6))
        assert documents.get(served.url, clock.now()) == b"first"
        slow.clear()
        assert eventually(lambda: not _renewing())
        assert documents.get(served.url, clock.now()) == b"first"
        assert len(served.conversations) == 2, "the failed renewal is not tried again at once"


def _renewing() -> bool:
    return any(thread.name == "outbound-fetch" for thread in threading.enumerate())


def eventually(look: Callable[[], bool]) -> bool:
    """Look until it is so."""
    over = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if look():
            return True
        over.wait(0.02)
    return False
