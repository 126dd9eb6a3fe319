"""Orthanc's authorization plugin, by a driver that sends and reads exactly what its source does.

The plugin (orthanc-authorization 0.11.4) is not packaged where these tests run. ``Plugin`` follows its
``AuthorizationWebService.cpp``: the members of each call, the headers, which answers it takes and which make it deny.
"""

import base64
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from governance.simulation import network
from tests.worlds.region import OWNER, Parties, RegionWorld

ROOT = "/enforce/orthanc"
ORTHANC_ID = "27f7126f-4f66fb14-03f4081b-f9341db2-53925988"
Json = dict[str, Any]


class Denied(Exception):
    """The plugin got no answer that it takes."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Ask = Callable[[str, str, dict[str, str], bytes | None], Answered]


def in_process(region: RegionWorld) -> Ask:
    """Ask a service in this process."""

    def ask(method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answered:
        answer = region.client.open(path, method=method, data=body, headers=headers)
        return Answered(answer.status_code, answer.headers, answer.get_data())

    return ask


def in_chunks(link: socket.socket, url: str, pieces: int) -> Ask:
    """Ask over one connection as Orthanc's HttpClient does, through libcurl: every body in chunks, without a length.

    The real plugin's body is one chunk; ``pieces`` of them are what a proxy between may make of it.
    """

    def ask(method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answered:
        sent = {"Host": urlsplit(url).netloc, "Accept": "*/*", **{name: text for name, text in headers.items() if text}}
        if body is not None:
            sent["Transfer-Encoding"] = "chunked"
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {text}\r\n" for name, text in sent.items())
        link.sendall(head.encode() + b"\r\n" + (b"" if body is None else chunked(body, pieces)))
        answer = HTTPResponse(link, method=method)
        answer.begin()
        return Answered(answer.status, answer.headers, answer.read())

    return ask


def chunked(body: bytes, pieces: int) -> bytes:
    """Write a body in so many chunks (RFC 9112 section 7.1), as libcurl does."""
    size = -(-len(body) // pieces) or 1
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"


class Plugin:
    """What the plugin sends, member by member, and what it makes of the answer.

    Args:
        parties: whose archive it is set up for.
        ask: sends a request.
        server_id: what it calls its Orthanc, if anything.
    """

    def __init__(self, parties: Parties, ask: Ask, server_id: str | None = None) -> None:
        self.server_id = server_id
        self.user, self.password = network.archive_id(OWNER), parties.enforcement_key()
        self.last: Answered | None = None
        self._ask = ask

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """HttpClient: JSON both ways, Basic when there is a user; any other status or a broken body is an exception."""
        credential = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        sent = {"Authorization": f"Basic {credential}", "Expect": ""} | headers
        if body is not None:
            sent["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        self.last = self._ask(method, ROOT + path, sent, data)
        if self.last.status != 200:
            raise Denied(self.last.status)
        return json.loads(self.last.body)

    def is_granted(self, access: Json, token: str | None, key: str = "Authorization", method: str = "get") -> int:
        """IsGrantedInternal: give the validity; Denied for no."""
        body = {"method": method, **access, **self._token(token, key), "server-id": self.server_id}
        headers = {key: token} if token is not None and key.lower() != "authorization" else {}
        answer = self.send("POST", "/tokens/validate", body, **headers)
        assert set(answer) == {"granted", "validity"}
        assert isinstance(answer["granted"], bool)
        assert type(answer["validity"]) is int
        assert answer["validity"] >= 0
        if not answer["granted"]:
            assert answer["validity"] == 0
            raise Denied(False)
        return int(answer["validity"])

    def profile(self, token: str | None, key: str = "Authorization") -> Json:
        """GetUserProfileInternal and FromJson."""
        answer = self.send("POST", "/user/get-profile", {**self._token(token, key), "server-id": self.server_id})
        assert type(answer["validity"]) is int
        assert isinstance(answer["name"], str)
        assert all(isinstance(answer[name], list) for name in ("permissions", "authorized-labels"))
        return dict(answer)

    def profile_of_user(self, user_id: str) -> Any:
        """GetUserProfileFromUserId."""
        return self.send("POST", "/user/get-profile", {"user-id": user_id, "server-id": self.server_id})

    def decode(self, token: str, key: str = "Authorization") -> tuple[set[str], str]:
        """DecodeToken: the studies a search is narrowed to, and the error code."""
        answer = self.send("POST", "/tokens/decode", self._token(token, key))
        for each in answer["resources"]:
            assert all(isinstance(each[name], str) for name in ("dicom-uid", "orthanc-id", "level"))
        studies = {each["dicom-uid"] for each in answer["resources"]}
        return studies, str(answer.get("error-code", ""))

    def create_token(self, kind: str, resources: list[Json], **more: Any) -> Json:
        """CreateToken."""
        body = {"id": "link-1", "server-id": self.server_id, "resources": resources, "type": kind, **more}
        return dict(self.send("PUT", f"/tokens/{kind}", body))

    def roles(self) -> Json:
        """GetSettingsRoles."""
        return dict(self.send("GET", "/settings/roles"))

    def set_roles(self, roles: Json) -> Json:
        """UpdateSettingsRoles."""
        return dict(self.send("PUT", "/settings/roles", roles | {"server-id": self.server_id}))

    @staticmethod
    def _token(token: str | None, key: str) -> Json:
        return {} if token is None else {"token-key": key, "token-value": token}


def study(uid: str, **more: Any) -> Json:
    """Name a study as AccessedResource does."""
    return {"level": "study", "orthanc-id": ORTHANC_ID, "dicom-uid": uid, **more}


def system(uri: str) -> Json:
    """Name something else of Orthanc's."""
    return {"level": "system", "uri": uri}
