"""The API's description: what it shows as an example is taken as it stands, and its page tells all of it."""

from html.parser import HTMLParser
from typing import Any

from flask import Flask

from governance.simulation import network
from tests.worlds.region import RegionWorld


class _Page(HTMLParser):
    """Gathers the tags and the words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _examples(document: dict[str, Any], *tags: str) -> list[tuple[str, str, Any]]:
    return [
        (path, media, body["example"])
        for path, methods in document["paths"].items()
        for op in methods.values()
        if set(op["tags"]) & set(tags)
        for media, body in op.get("requestBody", {}).get("content", {}).items()
        if "example" in body
    ]


def _bearer(region: RegionWorld, client: str) -> str:
    form = {"grant_type": "client_credentials", **region.parties.proof(client, region.now)}
    return str(region.post_form("/oauth/token", form).get_json()["access_token"])


def test_every_example_of_decisions_events_and_feeds_is_taken(region: RegionWorld) -> None:
    document = region.client.get("/openapi.json").get_json()
    found = _examples(document, "decisions", "audit", "context")
    assert len(found) == 5 + 2 + 8
    for path, media, example in found:
        client = network.EXPLORER if path.startswith("/access") else network.FEEDS
        headers = {"Authorization": f"Bearer {_bearer(region, client)}", "Content-Type": media}
        body = {"data": example} if isinstance(example, str) else {"json": example}
        answer = region.client.post(path, headers=headers, **body)
        assert answer.status_code == 200, (path, media, answer.get_data(as_text=True))
        assert answer.get_json().get("rejected", []) == [], (path, media)
        if path == "/access/v1/evaluation":
            assert answer.get_json()["decision"] is True
            assert answer.get_json()["context"]["agreement"]["id"] == "wm-direct-care"


def test_the_page_tells_of_every_operation_and_runs_nothing(app: Flask) -> None:
    client = app.test_client()
    document = client.get("/openapi.json").get_json()
    answer = client.get("/docs")
    page = _Page()
    page.feed(answer.get_data(as_text=True))
    ids = {attributes.get("id") for _, attributes in page.tags}
    operations = [op for methods in document["paths"].values() for op in methods.values()]
    assert {op["operationId"] for op in operations} <= ids
    assert {tag["name"] for tag in document["tags"]} <= ids
    words = " ".join(page.words)
    for op in operations:
        assert op["summary"] in words
        assert all(one["name"] in words for one in op["parameters"])
    assert "subject.properties.assurance" in words
    assert "pacs-4711" in words
    assert not {tag for tag, _ in page.tags} & {"script", "style", "iframe", "object"}
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.tags for name in attributes)
    assert "script-src 'none'" in answer.headers["Content-Security-Policy"]
    assert client.get("/docs/page.css").mimetype == "text/css"
