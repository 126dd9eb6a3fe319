"""The headers: strict, with one nonce a request, and never in the way of what a view set itself."""

import pytest
from flask import Flask, Response

from governance.web.security_headers import content_security_policy, csp_nonce, install


def application(secure: bool, fonts_from: str | None = None) -> Flask:
    app = Flask("headers")
    install(app, secure, fonts_from)

    @app.get("/page")
    def _page() -> str:
        return f"{csp_nonce()} {csp_nonce()}"

    @app.get("/own")
    def _own() -> Response:
        return Response("x", headers={"Cache-Control": "max-age=60", "Content-Security-Policy": "sandbox"})

    return app


def test_the_nonce_is_in_the_policy_once_a_request() -> None:
    client = application(secure=True).test_client()
    first, second = client.get("/page"), client.get("/page")
    nonce, again = first.get_data(as_text=True).split()
    assert nonce == again
    assert f"'nonce-{nonce}'" in first.headers["Content-Security-Policy"]
    assert nonce not in second.headers["Content-Security-Policy"]


def test_an_answer_without_scripts_allows_none() -> None:
    answer = application(secure=True).test_client().get("/nowhere")
    assert "script-src 'none'" in answer.headers["Content-Security-Policy"]


def test_https_is_demanded_only_where_there_is_https() -> None:
    assert "Strict-Transport-Security" in application(secure=True).test_client().get("/page").headers
    assert "Strict-Transport-Security" not in application(secure=False).test_client().get("/page").headers


def test_what_a_view_set_stands() -> None:
    answer = application(secure=True).test_client().get("/own")
    assert answer.headers["Cache-Control"] == "max-age=60"
    assert answer.headers["Content-Security-Policy"] == "sandbox"


def test_pages_are_not_stored() -> None:
    assert application(secure=True).test_client().get("/page").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("forbidden", ["unsafe-inline", "unsafe-eval", "http:", "https:", "data:", "*"])
def test_the_policy_opens_nothing_by_accident(forbidden: str) -> None:
    assert forbidden not in content_security_policy("n")


def test_one_host_of_fonts_can_be_opened() -> None:
    policy = content_security_policy("n", "https://fonts.example")
    assert "font-src 'self' https://fonts.example;" in policy
    assert policy.count("https:") == 1
