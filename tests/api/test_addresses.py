"""Where a request was sent and where it came from: no address of a client's making is sent back or believed."""

import itertools
from ipaddress import ip_network
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import create_environ, run_wsgi_app

from governance.settings import Settings
from governance.web.addresses import came_from, install, sent_path

PATHS = (
    "",
    "/",
    "/healthz",
    "/docs",
    "/console",
    "/console/sign-in",
    "/console/alerts",
    "/oauth/token",
    "/audit/v1/events",
)
BEFORE = (
    "/",
    "//",
    "///",
    "//evil.example",
    "/\\evil.example",
    "//evil.example/..",
    "/%2f%2fevil.example",
    "/./",
    "/;/",
    "//@",
)
EVIL = "evil.example"
AFTER = ("", "/", "//", "/..", "?next=//evil.example", "%2f", "/%2e%2e/")


def location_of(app: Flask, method: str, sent: str) -> str:
    """Send a path as no client of a library would, and give where the answer leads, ``/`` when nowhere."""
    path, _, query = sent.partition("?")
    environ = create_environ("/", f"http://{EVIL}", method=method, query_string=query)
    _, _, headers = run_wsgi_app(app, environ | {"PATH_INFO": unquote(path), "RAW_URI": sent})
    return headers.get("Location", "/")


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_no_spelling_of_a_path_leads_to_a_foreign_host(app: Flask, method: str) -> None:
    for before, path, after in itertools.product(BEFORE, PATHS, AFTER):
        location = location_of(app, method, f"{before}{path}{after}")
        assert location.startswith("/"), (before, path, after, location)
        assert not location.startswith(("//", "/\\")), (before, path, after, location)


def test_a_number_of_a_path_that_no_column_holds_is_no_such_page(client: FlaskClient) -> None:
    for digits in (19, 400, 5_000):
        assert client.get(f"/audit/v1/events/{'9' * digits}").status_code == 404


@pytest.mark.parametrize("sent", ["/a%2Fb", "/a%20b", "/%61", "/a//b", "/a/./b"])
def test_the_path_is_the_one_that_was_sent(sent: str) -> None:
    app = Flask("sent")
    install(app)
    app.add_url_rule("/<path:anything>", "show", lambda anything: sent_path())
    assert app.test_client().get(sent + "?q=%2F").get_data(as_text=True) == sent


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # anybody may write the header
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),  # what a client wrote comes first
        ("10.1.2.3", ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["198.51.100.1, 10.1.2.4"], "198.51.100.1"),
        ("10.1.2.3", ["10.1.2.5, 10.1.2.4"], "10.1.2.5"),
        ("10.1.2.3", ["198.51.100.1, nonsense, 10.1.2.4"], "10.1.2.4"),
        ("10.1.2.3", ["," * 5000], "10.1.2.3"),
        ("2001:db8::1:2:3:4", [], "2001:db8::/64"),
        ("", [], ""),
    ],
)
def test_a_request_comes_from_the_last_address_that_is_no_proxy_of_ours(
    settings: Settings, peer: str, forwarded: list[str], found: str
) -> None:
    trusting = settings.replaced(client_certificate_header="X-Cert", trusted_proxies=(ip_network("10.1.2.0/24"),))
    headers = [("X-Forwarded-For", value) for value in forwarded]
    with Flask("from").test_request_context(headers=headers, environ_base={"REMOTE_ADDR": peer}):
        assert came_from(trusting) == found
