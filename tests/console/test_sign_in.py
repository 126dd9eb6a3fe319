"""Signing in through a real identity provider, and being kept out."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from governance.vocabulary import EventKind, Outcome
from tests.peers.browser import Visit
from tests.worlds.console import ANALYST, OFFICER, STRANGER, Region, sign_in

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("console")]


def newest(region: Region, kind: EventKind) -> tuple[Outcome, str | None]:
    """Give how the newest event of a kind ended, and the role in it."""
    size, _ = region.services.infrastructure.audit.tree_head()
    event = next(event for event in reversed(region.services.infrastructure.audit.read(0, size)) if event.kind is kind)
    return event.outcome, event.subject.role if event.subject else None


def test_an_officer_signs_in_at_their_trust_and_out_again(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(OFFICER)
    expect(seen.page).to_have_url(re.compile(r"/console/(\?.*)?$"))
    expect(seen.page.get_by_text(OFFICER)).to_be_visible()
    assert newest(region, EventKind.LOGIN) == (Outcome.SUCCESS, "ig_officer")
    seen.page.get_by_role("button", name="Sign out").click()
    expect(seen.page).to_have_url(re.compile(r"/console/sign-in(\?.*)?$"))
    expect(seen.page.get_by_text("You have signed out")).to_be_visible()
    assert newest(region, EventKind.LOGOUT) == (Outcome.SUCCESS, "ig_officer")
    seen.go("/console/alerts")
    expect(seen.page).to_have_url(re.compile(r"/console/sign-in(\?.*)?$"))
    assert seen.complaints == []


def test_somebody_is_taken_where_they_were_going(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit()
    seen.go("/console/alerts?state=all")
    expect(seen.page).to_have_url(re.compile(r"/console/sign-in(\?.*)?$"))
    sign_in(seen, OFFICER)
    expect(seen.page).to_have_url(f"{region.address}/console/alerts?state=all")


def test_somebody_without_an_account_is_kept_out_and_recorded(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(STRANGER)
    expect(seen.page.get_by_role("heading", name="You cannot do this")).to_be_visible()
    expect(seen.page.get_by_text("you have no account here")).to_be_visible()
    assert newest(region, EventKind.LOGIN) == (Outcome.SERIOUS, None)
    seen.go("/console/")
    expect(seen.page).to_have_url(re.compile(r"/console/sign-in(\?.*)?$"))


def test_the_cookie_is_new_after_sign_in_and_closed_to_scripts(visit: Callable[..., Visit]) -> None:
    seen = visit()
    seen.go("/console/alerts")
    (before,) = seen.page.context.cookies(seen.address)
    sign_in(seen, OFFICER)
    (after,) = seen.page.context.cookies(seen.address)
    assert after["value"] != before["value"]
    assert after["httpOnly"]
    assert after["sameSite"] == "Lax"
    assert seen.page.evaluate("document.cookie") == ""


def test_an_answer_of_the_provider_is_good_once(visit: Callable[..., Visit]) -> None:
    seen = visit()
    answers: list[str] = []
    seen.page.on("request", lambda made: answers.append(made.url) if "/callback?" in made.url else None)
    sign_in(seen, OFFICER)
    other = visit()
    assert other.go(urlsplit(answers[0])._replace(scheme="", netloc="").geturl()) == 401
    expect(other.page.get_by_role("heading", name="You are not signed in")).to_be_visible()
    assert seen.go(urlsplit(answers[0])._replace(scheme="", netloc="").geturl()) == 401


def test_an_account_that_is_closed_opens_nothing_from_then_on(region: Region, visit: Callable[..., Visit]) -> None:
    seen = visit(ANALYST)
    assert seen.go("/console/alerts") == 200
    services = region.services
    with services.infrastructure.database.reading() as session:
        person = next(p for p in services.registers.federation.persons(session) if "soc_analyst" in p.roles)
    narrowed = type(person)(person.issuer, person.subject, person.ods, frozenset())
    with services.infrastructure.database.transaction() as session:
        services.registers.federation.register_person(session, narrowed)
    try:
        seen.go("/console/alerts")
        expect(seen.page).to_have_url(re.compile(r"/console/sign-in(\?.*)?$"))
    finally:
        with services.infrastructure.database.transaction() as session:
            services.registers.federation.register_person(session, person)


def test_every_answer_carries_the_headers(visit: Callable[..., Visit]) -> None:
    seen = visit()
    answer = seen.page.goto(seen.address + "/console/sign-in")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert re.search(r"script-src 'nonce-[\w-]{22}'", policy)
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


def test_a_form_sent_after_the_session_ended_changes_nothing_and_asks_to_sign_in(
    region: Region, visit: Callable[..., Visit]
) -> None:
    seen = visit(OFFICER)
    seen.go(f"/console/alerts/{region.seeded.alert}")
    seen.page.context.clear_cookies()
    seen.page.get_by_label("Add a comment").fill("too late")
    seen.page.get_by_role("button", name="Add comment").click()
    expect(seen.page.get_by_text("You were signed out and nothing was changed.")).to_be_visible()
    expect(seen.page).to_have_url(re.compile(r"/console/sign-in$"))
