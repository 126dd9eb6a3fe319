"""Bundles by long poll: answered at a change, told unchanged when the time is over, bounded."""

import hashlib
import io
import json
import tarfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from governance.clock import FixedClock
from governance.decisions.engine import PolicySource
from governance.edges import Bundles
from governance.edges.bundle import Bundle
from governance.edges.revocations import EVERY_VERSION, as_of
from governance.errors import NotFound, Unavailable
from governance.tokens import Revoked
from tests.worlds.basics import NOON
from tests.worlds.policy import policy_data

PATIENCE = 30.0  # seconds
OLD, NEW = policy_data({"care/1": {}}, revision="old"), policy_data({"care/1": {}}, revision="new")


class Signer:
    """Signs nothing and counts."""

    def __init__(self) -> None:
        self.signed = 0

    def __call__(self, claims: Mapping[str, Any]) -> str:
        self.signed += 1
        return "a.b.c"


@pytest.fixture
def signer() -> Signer:
    return Signer()


def of(
    signer: Signer, places: int, clock: FixedClock | None = None, revoked: Callable[[], Revoked] = Revoked
) -> Bundles:
    return Bundles(
        PolicySource.from_directory(),
        signer,
        places,
        clock=clock or FixedClock(NOON),
        revoked=revoked,
        stale_after=40,
    )


@pytest.fixture
def bundles(signer: Signer) -> Bundles:
    made = of(signer, places=3)
    made.load(OLD)
    return made


def waiters(bundles: Bundles, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while bundles.waiting != count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait(bundles: Bundles, pool: ThreadPoolExecutor, client: str) -> "Future[Bundle | None]":
    held = bundles.bundle("imaging").etag
    return pool.submit(bundles.newer, "imaging", held, PATIENCE, client)


def test_what_differs_is_given_at_once_and_built_once(bundles: Bundles, signer: Signer) -> None:
    first = bundles.newer("imaging", None, PATIENCE, "a")
    assert first is not None
    assert bundles.newer("imaging", '"of long ago"', PATIENCE, "a") is first
    assert bundles.newer("imaging", first.etag, 0, "a") is None
    assert bundles.newer("imaging", first.etag, 0.01, "a") is None
    assert signer.signed == 1
    assert bundles.waiting == 0


@pytest.mark.parametrize(
    ("end", "revision"), [(lambda bundles: bundles.load(NEW), "new"), (lambda bundles: bundles.stop(), None)]
)
def test_a_change_and_the_end_of_the_service_end_every_wait(
    bundles: Bundles, end: Callable[[Bundles], None], revision: str | None
) -> None:
    with ThreadPoolExecutor() as pool:
        waits = [wait(bundles, pool, client) for client in ("a", "b", "b")]
        waiters(bundles, 3)
        end(bundles)
        for found in (each.result(PATIENCE) for each in waits):
            assert (found.revision.split(".")[0] if found else None) == revision
    assert bundles.waiting == 0


def test_the_same_policy_again_wakes_nobody_up_for_nothing(bundles: Bundles) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = wait(bundles, pool, "a")
        waiters(bundles, 1)
        bundles.load(policy_data({"care/1": {}}, revision="old"))
        assert not waiting.done()
        bundles.load(NEW)
        assert waiting.result(PATIENCE) is not None


@pytest.mark.parametrize(("others", "client"), [(("a", "b", "c"), "d"), (("a", "a"), "a")])
def test_places_are_bounded_in_all_and_for_each(bundles: Bundles, others: tuple[str, ...], client: str) -> None:
    held = bundles.bundle("imaging").etag
    with ThreadPoolExecutor() as pool:
        waits = [wait(bundles, pool, other) for other in others]
        waiters(bundles, len(others))
        with pytest.raises(Unavailable, match="place"):
            bundles.newer("imaging", held, PATIENCE, client)
        assert bundles.newer("imaging", held, 0, client) is None
        assert bundles.newer("imaging", None, PATIENCE, client) is not None
        bundles.stop()
        assert [each.result(PATIENCE) for each in waits] == [None] * len(others)


def test_no_bundle_before_the_policy_and_none_of_another_name(bundles: Bundles, signer: Signer) -> None:
    with pytest.raises(NotFound):
        bundles.bundle("other")
    empty = of(signer, places=1)
    assert empty.revision == ""
    with pytest.raises(Unavailable):
        empty.bundle("imaging")


def test_readers_never_see_a_bundle_of_two_revisions(bundles: Bundles) -> None:
    done = threading.Event()

    def change() -> None:
        for number in range(50):
            bundles.load(policy_data({"care/1": {}}, revision=f"r{number}"))
        done.set()

    with ThreadPoolExecutor() as pool:
        pool.submit(change)
        seen: dict[str, str] = {}
        while not done.is_set():
            found = bundles.bundle("imaging")
            assert seen.setdefault(found.revision, found.etag) == found.etag


def test_the_dead_are_told_apart_from_the_living(signer: Signer) -> None:
    ended = {"client viewer": 7, "*": 3}
    revoked = Revoked({"jti-1": NOON}, frozenset({"care", "old", "gone"}), ended)
    bundles = of(signer, 3, FixedClock(NOON), lambda: revoked)
    data = policy_data(
        {"care/1": {"agreement": "care", "version": 3}, "old/1": {"agreement": "old", "version": 2}},
        index={"RKB": {"RRK": {"TREAT": ["care/1"]}}},
        lapsed={"RKB": {"RRK": {"TREAT": ["old/1"]}}},
    )
    bundles.load(data)
    files = unpacked(bundles.bundle("revocations"))
    held = json.loads(files["revocations/data.json"])
    assert held["agreements"] == {"care": 2, "gone": EVERY_VERSION, "old": 2}
    assert held["tokens"] == {hashlib.sha256(b"jti-1").hexdigest(): int(NOON.timestamp())}
    assert held["ended"] == {hashlib.sha256(b"client viewer").hexdigest(): 7, "*": 3}
    assert json.loads(files[".manifest"])["roots"] == ["revocations"]
    assert not any(name in content for content in files.values() for name in (b"jti-1", b"viewer"))


def test_revocations_change_with_a_revocation_and_with_time_and_the_policy_bundle_does_not(signer: Signer) -> None:
    clock, tokens = FixedClock(NOON), dict[str, datetime]()
    bundles = of(signer, 3, clock, lambda: Revoked(tokens))
    bundles.load(OLD)
    policy, first = bundles.bundle("imaging"), bundles.bundle("revocations")
    assert as_of(first.revision) == int(NOON.timestamp())
    clock.advance(timedelta(seconds=9))  # of ten, a fourth of the limit
    assert bundles.bundle("revocations") is first
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(bundles.newer, "revocations", first.etag, PATIENCE, "a")
        waiters(bundles, 1)
        bundles.refresh()
        assert not waiting.done()
        tokens["jti-1"] = NOON
        bundles.refresh()
        second = waiting.result(PATIENCE)
    assert second is not None
    assert as_of(second.revision) == as_of(first.revision)
    clock.advance(timedelta(seconds=1))
    assert as_of(bundles.bundle("revocations").revision) == int(NOON.timestamp()) + 10
    assert bundles.bundle("imaging") is policy


def test_an_edge_may_wait_for_both_bundles(bundles: Bundles) -> None:
    with ThreadPoolExecutor() as pool:
        for name in ("imaging", "revocations"):
            pool.submit(bundles.newer, name, bundles.bundle(name).etag, PATIENCE, "a")
        waiters(bundles, 2)
        bundles.stop()


@pytest.mark.parametrize("revision", ["", "abc.def", "-5.a", "1" * 40, "1e3.a", "٣.a"])
def test_no_age_is_read_from_a_revision_that_is_not_ours(revision: str) -> None:
    assert as_of(revision) is None


def unpacked(bundle: Bundle) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(bundle.content)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


def test_a_bundle_is_signed_anew_when_another_key_signs_and_whoever_waits_gets_it(signer: Signer) -> None:
    named = ["first"]
    bundles = Bundles(
        PolicySource.from_directory(),
        lambda claims: f"{named[0]}.{signer(claims)}",
        3,
        clock=FixedClock(NOON),
        revoked=Revoked,
        stale_after=40,
        key=lambda: named[0],
    )
    bundles.load(OLD)
    with ThreadPoolExecutor() as pool:
        before, waiting = bundles.bundle("imaging"), wait(bundles, pool, "a")
        waiters(bundles, 1)
        named[0] = "second"
        bundles.refresh()
        found = waiting.result(PATIENCE)
    assert found is not None
    assert (found.revision, found.etag != before.etag) == (before.revision, True)
    assert bundles.bundle("imaging") is found
