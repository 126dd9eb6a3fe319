"""Orthanc's authorization plugin, by a driver that sends and reads exactly what its source does.

The plugin (orthanc-authorization 0.11.4) is not packaged where these tests run. ``Plugin`` follows its
``AuthorizationWebService.cpp``: the members of each call, the headers, which answers it takes and which make it deny.
"""

import base64
import json
from typing import Any

from werkzeug.test import TestResponse

from governance.simulation import network
from tests.worlds.region import OWNER, RegionWorld

ROOT = "/enforce/orthanc"
ORTHANC_ID = "27f7126f-4f66fb14-03f4081b-f9341db2-53925988"
Json = dict[str, Any]


class Denied(Exception):
    """The plugin got no answer that it takes."""


class Plugin:
    """What the plugin sends, member by member, and what it makes of the answer."""

    def __init__(self, region: RegionWorld, server_id: str | None = None) -> None:
        self.region, self.server_id = region, server_id
        self.user, self.password = network.archive_id(OWNER), region.parties.enforcement_key()
        self.last: TestResponse | None = None

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """HttpClient: JSON both ways, Basic when there is a user; any other status or a broken body is an exception."""
        credential = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        sent = {"Authorization": f"Basic {credential}", "Expect": ""} | headers
        if body is not None:
            sent["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body, separators=(",", ":"))
        self.last = self.region.client.open(ROOT + path, method=method, data=data, headers=sent)
        if self.last.status_code != 200:
            raise Denied(self.last.status_code)
        return json.loads(self.last.get_data())

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
