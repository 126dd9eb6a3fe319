"""Who asks or fails too often is told to wait, and nobody can make another wait."""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from governance.bootstrap import build
from governance.bootstrap._refusing import make_budgets
from governance.clock import FixedClock
from governance.errors import TooManyRequests
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import Settings
from governance.tokens import client_secrets
from governance.vocabulary import Scope
from tests.worlds.callers import REGION, Callers
from tests.worlds.tokens import ASSERTION_TYPE, KeyPair

STRANGER = KeyPair.ec("k1")
SECRET = "correct-horse-battery-staple-0123456789"
HERE, THERE = "192.0.2.1", "192.0.2.66"
FAILURES = 10


class World:
    """A service with small budgets."""

    def __init__(self, settings: Settings, clock: FixedClock, **limits: Any) -> None:
        self.services = build(settings.replaced(workers=1, **limits), clock)
        self.runtime = Runtime(self.services)
        self.runtime.start(jobs=False)
        self.app = create_app(self.services)
        self.callers = Callers(self.app, self.services)
        self.callers.headers("viewer", REGION, [Scope.ACCESS_EVALUATE])
        self.callers.headers("other", REGION, [Scope.ACCESS_EVALUATE])
        self._numbers = itertools.count()

    def token(self, client_id: str = "viewer", key: KeyPair | None = None, peer: str = HERE) -> TestResponse:
        now = int(self.services.infrastructure.clock.now().timestamp())
        audience = self.services.registers.tokens.token_endpoint
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "exp": now + 60}
        signed = (key or self.callers.key).sign(claims | {"jti": f"limit-{next(self._numbers)}"})
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
        return self.app.test_client().post("/oauth/token", data=form, environ_base={"REMOTE_ADDR": peer})

    def page(self, path: str = "/console/sign-in", peer: str = HERE) -> TestResponse:
        return self.app.test_client().get(path, environ_base={"REMOTE_ADDR": peer})


Make = Callable[..., World]


@pytest.fixture
def make(settings: Settings, clock: FixedClock) -> Iterator[Make]:
    worlds: list[World] = []

    def made(**limits: Any) -> World:
        worlds.append(World(settings, clock, **limits))
        return worlds[-1]

    yield made
    for world in worlds:
        world.runtime.stop()


def test_failed_proofs_are_told_to_wait_in_the_shape_of_oauth(make: Make) -> None:
    world = make(limit_failures=FAILURES)
    answers = [world.token(key=STRANGER) for _ in range(FAILURES + 5)]
    assert [answer.status_code for answer in answers] == [401] * FAILURES + [429] * 5
    last = answers[-1]
    assert last.get_json()["error"] == "temporarily_unavailable"
    assert 1 <= int(last.headers["Retry-After"]) <= 60
    assert last.headers["Cache-Control"] == "no-store"


def test_nobody_locks_a_client_out(make: Make) -> None:
    world = make(limit_failures=FAILURES)
    for _ in range(FAILURES * 3):
        world.token(key=STRANGER, peer=THERE)
    assert world.token(key=STRANGER, peer=THERE).status_code == 429
    assert world.token(peer=HERE).status_code == 200  # from elsewhere
    assert world.token(peer=THERE).status_code == 200  # and from the same address, behind one gateway perhaps
    assert world.token("other", peer=THERE).status_code == 200
    assert world.token(key=STRANGER, peer=HERE).status_code == 401


def test_a_client_that_is_not_known_waits_like_one_that_is(make: Make) -> None:
    world = make(limit_failures=FAILURES)
    known, unknown = (
        [world.token(one, key=STRANGER).status_code for _ in range(FAILURES + 2)] for one in ("viewer", "nobody")
    )
    assert known == unknown


def test_an_address_that_tries_many_names_waits(make: Make) -> None:
    world = make(limit_failures=1)
    answers = [world.token(f"name-{number}", key=STRANGER).status_code for number in range(12)]
    assert answers == [401] * 10 + [429] * 2
    assert world.token().status_code == 200


def test_a_client_that_asks_too_often_waits_and_no_other(make: Make) -> None:
    world = make(limit_client=5)
    answers = [world.token(peer=HERE if number % 2 else THERE) for number in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 4  # one was spent by the registration
    assert answers[-1].get_json()["error"] == "temporarily_unavailable"
    assert world.token("other").status_code == 200


def test_a_secret_is_not_looked_at_once_too_many_failed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make(limit_failures=3, client_secret_basic=True)
    looked: list[str | None] = []
    real = client_secrets.matches
    monkeypatch.setattr(client_secrets, "matches", lambda value, kept: looked.append(kept) or real(value, kept))

    def ask(peer: str) -> list[int]:
        client = world.app.test_client()
        sent: dict[str, Any] = {"auth": ("viewer", SECRET), "environ_base": {"REMOTE_ADDR": peer}}
        return [
            client.post("/oauth/token", data={"grant_type": "client_credentials"}, **sent).status_code,
            client.post("/access/v1/evaluation", json={}, **sent).status_code,
        ]

    assert ask(HERE) == [401, 401]
    assert ask(HERE) == [401, 429]
    assert ask(HERE) == [429, 429]
    assert len(looked) == 3
    assert ask(THERE) == [401, 401]


def test_pages_are_limited_by_address_before_sign_in_and_files_are_not(make: Make) -> None:
    world = make(limit_visits=6)
    answers = [world.page() for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429] * 2
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert "Too many requests" in answers[-1].get_data(as_text=True)
    file = re.search(r'href="(/console/static/[^"]+)"', answers[0].get_data(as_text=True))
    assert file is not None
    with world.page(file[1]) as found:
        assert found.status_code == 200
    assert world.page("/console/sign-in/callback").status_code == 429
    assert world.page("/console/sign-in/RRK").status_code == 429
    assert world.page(peer=THERE).status_code == 200


def test_each_worker_gives_its_share(settings: Settings) -> None:
    shares = make_budgets(settings.replaced(workers=4, limit_failures=FAILURES * 4))
    for _ in range(FAILURES):
        shares.failures.spend("one")
    with pytest.raises(TooManyRequests):
        shares.failures.spend("one")


def test_the_defaults_let_a_busy_region_through(settings: Settings) -> None:
    """Ten times the fastest exchange that was measured on two cores (300 a second), of one client for one person."""
    assert settings.limit_client >= 10 * 300 * 60 / 3
    assert settings.limit_person >= 300 * 60
    budgets = make_budgets(settings)
    for _ in range(5_000):
        budgets.client.spend("viewer")
        budgets.person.spend("radiologist")
    for _ in range(500):
        budgets.page.spend("officer")
        budgets.visit.spend("a trust's gateway")
