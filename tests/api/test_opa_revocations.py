"""The edge's second bundle: what has died since reaches a real OPA by it alone, and tells how old its data is."""

import io
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import pytest

from governance.alerts import Alert, AlertQuery, Viewer
from governance.clock import SystemClock
from governance.edges.bundle import _archive
from governance.federation import Registered
from governance.registers import OPERATOR, Ending, Target
from governance.simulation import network, showcase
from governance.simulation.programs import free_port
from governance.tokens.bundle_key import BundleKey
from tests.worlds.edges import (
    EdgeOpa,
    Line,
    agreement,
    certificate,
    configuration,
    eventually,
    policy_input,
    register_edge,
)
from tests.worlds.region import OWNER, RegionWorld, seed_home
from tests.worlds.tokens import KeyPair

POLICY, DEAD = "/opa/v1/bundles/imaging.tar.gz", "/opa/v1/bundles/revocations.tar.gz"
LIMIT = 20  # seconds without word that an edge of these tests may decide on


@dataclass
class Place:
    """A service, the line to it and what an edge of it needs."""

    opa: str
    world: RegionWorld
    line: Line
    key: KeyPair
    ca_file: Path
    folder: Path

    @contextmanager
    def edge(self, name: str, change: tuple[str, str] = ("", ""), keys: list[BundleKey] | None = None) -> Iterator[Any]:
        """Run an OPA of its own folder until the end of the block, with one passage of the guide's file changed."""
        services, folder = self.world.services, self.folder / name
        with services.infrastructure.database.reading() as session:
            known = services.registers.federation.client(session, name)
        if known is None:
            register_edge(services, name, OWNER, self.key)
        config = configuration(services, name, self.key, self.ca_file, folder / "state", keys)
        assert change[0] in config
        running = EdgeOpa(self.opa, folder, free_port(), config.replace(*change))
        try:
            yield running
        finally:
            running.stop()

    def question(self) -> Any:
        """Ask for what the agreement of direct care permits."""
        return policy_input(self.world, showcase.REPORTER, showcase.SHARED_STUDY)

    def report(self, name: str) -> Any:
        """Give what an edge last said of itself."""
        return {state.client_id: state for state in self.world.services.uses.edges.states()}[name].report

    def alert(self, name: str) -> Alert | None:
        """Let the watch look, and give the alert of an edge."""
        self.world.services.uses.edge_watch.run_once()
        listed = self.world.services.uses.alerts.list(
            Viewer("soc", None, person=False), AlertQuery(subject=name)
        ).alerts
        return listed[0] if listed else None


@pytest.fixture(scope="module")
def place(opa: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("edge")
    service = f"https://127.0.0.1:{free_port()}"
    home = seed_home(folder / "home", service, "http://127.0.0.1:9")
    world = RegionWorld(home, SystemClock(), settings={"GOVERNANCE_EDGE_STALE_AFTER": str(LIMIT)})
    world.feed_showcase()
    files = certificate(folder)
    line = Line(world.app.wsgi_app, int(service.rsplit(":", 1)[1]), files)
    line.up()
    yield Place(opa, world, line, KeyPair.ec("edge-1"), files[0], folder)
    world.services.uses.bundles.stop()
    line.down()
    world.close()


@pytest.fixture(autouse=True)
def beating(place: Place) -> Iterator[None]:
    """Run the job that gives word to the edges; the line is mended after each test."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(0.2):
            place.world.services.uses.bundles.refresh()

    job = threading.Thread(target=beat)
    job.start()
    yield
    done.set()
    job.join()
    place.line.closed.clear()
    place.line.swapped.clear()


def test_a_suspension_reaches_the_edge_by_the_small_bundle_alone(place: Place) -> None:
    question = place.question()
    with place.edge("edge-small") as edge:
        eventually(edge.active, "the activation of both bundles")
        eventually(lambda: edge.answer(question)["permit"], "a permit")
        before = edge.answer(question)["revision"]
        place.line.closed.add(POLICY)
        eventually(lambda: DEAD in place.line.polls, "a long poll for revocations")
        began = time.monotonic()
        agreement(place.world, active=False)
        try:
            denied = eventually(lambda: (a := edge.answer(question))["permit"] is False and a, "a denial at the edge")
            print(f"denied {time.monotonic() - began:.3f} s after the suspension began")
            assert denied["revision"] == before != place.world.services.registers.agreements.compiled().revision
            assert "policy.stale" not in denied["reasons"]
        finally:
            agreement(place.world, active=True)
        eventually(lambda: edge.answer(question)["permit"], "a permit, by the small bundle alone again")
        assert edge.answer(question)["revision"] == before


def test_a_revoked_token_is_refused_at_the_edge(place: Place) -> None:
    world = place.world
    asked = {"grant_type": "client_credentials", "scope": "federation.read"}
    issued = world.post_form("/oauth/token", asked | world.parties.proof(network.EXPLORER, world.now)).get_json()
    token = issued["access_token"]
    jti = jwt.decode(token, options={"verify_signature": False})["jti"]
    question = place.question() | {"token": {"digest": sha256(jti.encode()).hexdigest()}}
    with place.edge("edge-token") as edge:
        eventually(lambda: (edge.answer(question) or {}).get("permit"), "a permit")
        form = {"token": token, **world.parties.proof(network.EXPLORER, world.now)}
        assert world.post_form("/oauth/revoke", form).status_code == 200
        denied = eventually(lambda: (a := edge.answer(question))["permit"] is False and a, "a denial at the edge")
        assert denied["reasons"] == ["token.revoked"]
        assert edge.answer(place.question())["permit"]


def issued(place: Place, name: str) -> dict[str, Any]:
    """Let a client get a token; gives what the guide says a gateway tells its OPA of it."""
    world = place.world
    asked = {"grant_type": "client_credentials", "scope": "federation.read"}
    token = world.post_form("/oauth/token", asked | world.parties.proof(name, world.now)).get_json()["access_token"]
    head, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    names = [f"client {claims['client_id']}", f"key {head['kid']}"]
    return {
        "digest": sha256(claims["jti"].encode()).hexdigest(),
        "issued_at": claims["iat"],
        "rests_on": [sha256(one.encode()).hexdigest() for one in names],
    }


def test_tokens_of_a_suspended_client_are_refused_at_the_edge(place: Place) -> None:
    """By the small bundle alone; resumed, what it was issued before stays dead, and what comes after counts."""
    act, client = place.world.services.uses.endings.act, Target(Registered.CLIENT, network.EXPLORER)
    before = place.question() | {"token": issued(place, network.EXPLORER)}
    with place.edge("edge-ended") as edge:
        eventually(lambda: (edge.answer(before) or {}).get("permit"), "a permit")
        eventually(lambda: DEAD in place.line.polls, "a long poll for revocations")
        began = time.monotonic()
        act(OPERATOR, client, Ending.SUSPEND)
        denied = eventually(lambda: (a := edge.answer(before))["permit"] is False and a, "a denial at the edge")
        print(f"denied {time.monotonic() - began:.3f} s after the suspension began")
        assert denied["reasons"] == ["token.revoked"]
        assert edge.answer(place.question())["permit"]
        bound = act(OPERATOR, client, Ending.RESUME).not_before
        assert bound is not None
        eventually(lambda: int(time.time()) > int(bound.timestamp()), "the next second")
        after = place.question() | {"token": issued(place, network.EXPLORER)}
        eventually(lambda: edge.answer(after)["permit"], "a permit for what was issued since")
        assert edge.answer(before)["reasons"] == ["token.revoked"]


def test_a_restart_without_the_service_keeps_both_bundles(place: Place) -> None:
    question = place.question()
    with place.edge("edge-again") as edge:
        eventually(lambda: (edge.answer(question) or {}).get("permit"), "a permit")
        agreement(place.world, active=False)
        eventually(lambda: edge.answer(question)["permit"] is False, "a denial")
    place.line.down()
    try:
        with place.edge("edge-again") as edge:
            told = eventually(lambda: edge.answer(question), "an answer from what was on its disk")
            assert told["permit"] is False
            assert told["age_seconds"] is not None
    finally:
        place.line.up()
        agreement(place.world, active=True)


def unsigned(place: Place) -> bytes:
    bundle = place.world.services.uses.bundles.bundle("revocations")
    with tarfile.open(fileobj=io.BytesIO(bundle.content)) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    return _archive({name: content for name, content in files.items() if name != ".signatures.json"})


def test_revocations_that_nobody_signed_or_another_key_are_refused(place: Place) -> None:
    place.line.swapped[DEAD] = unsigned(place)
    with place.edge("edge-unsigned") as edge:
        report = eventually(lambda: (r := place.report("edge-unsigned")) and r.code and r, "a status that says so")
        assert report.revocations is None
        answer = eventually(lambda: edge.answer(place.question()), "an answer by the policy bundle")
        assert (answer["reasons"], answer["age_seconds"]) == (["policy.stale"], None)
        place.line.swapped.clear()
        eventually(lambda: edge.answer(place.question())["permit"], "a permit once the bundle is signed")
    others = [BundleKey(b"another key-encryption key of 32b", generation) for generation in (1, 2)]
    with place.edge("edge-other", keys=others) as edge:
        eventually(lambda: (r := place.report("edge-other")) and r.code, "a status that says so")
        assert edge.answer(place.question()) is None


def test_an_edge_that_hears_nothing_says_how_old_its_data_is_and_then_denies(place: Place) -> None:
    question, name = place.question(), "edge-cut"
    with place.edge(name) as edge:
        eventually(lambda: (edge.answer(question) or {}).get("permit"), "a permit")
        eventually(lambda: (r := place.report(name)) and r.revocations, "a status with its revocations")
        place.line.down()
        try:
            ages: list[tuple[bool, int]] = []
            while not ages or ages[-1][0]:
                told = eventually(lambda: edge.answer(question), "an answer")
                ages.append((told["permit"], told["age_seconds"]))
                time.sleep(0.2)
                assert ages[-1][1] < LIMIT + 60
            assert told["reasons"] == ["policy.stale"]
            assert told["agreement"] is None
            assert all(permit == (age <= LIMIT) for permit, age in ages)
            assert len({age for _, age in ages}) > 1
            (state,) = [state for state in place.world.services.uses.edges.states() if state.client_id == name]
            assert state.stale
            shown = place.world.services.infrastructure.metrics.render("text/plain")[0].decode()
            assert f'governance_edge_data_age_seconds{{edge="{name}"}}' in shown
            assert place.world.client.get("/readyz").status_code == 200
            alert = eventually(lambda: place.alert(name), "an alert")
            assert "edge_stale" in {evidence.signal for evidence in alert.evidence}
            assert alert.trusts == (OWNER,)
        finally:
            place.line.up()
        eventually(lambda: edge.answer(question)["permit"], "a permit again")


def told_of(place: Place, name: str, signal: str) -> Any:
    alert = place.alert(name)
    return next((one for one in alert.evidence if one.signal == signal), None) if alert else None


def test_decisions_that_the_edge_drops_are_a_gap_and_an_alert(place: Place) -> None:
    small = ("reporting: {", "reporting: {buffer_size_limit_bytes: 4000, upload_size_limit_bytes: 2500, ")
    with place.edge("edge-gap", small) as edge:
        eventually(lambda: (edge.answer(place.question()) or {}).get("permit"), "a permit")
        place.line.closed.add("/opa/v1/logs")
        for _ in range(40):
            edge.answer(place.question())
        evidence = eventually(lambda: told_of(place, "edge-gap", "edge_decisions_lost"), "an alert")
        assert evidence.observed > 0
        assert evidence.expected == 0
        assert f"dropped {evidence.observed} decisions" in evidence.sentence
