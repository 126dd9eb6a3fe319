"""What Orthanc's authorization plugin sends and reads (orthanc-authorization 0.11.4, ``AuthorizationWebService.cpp``).

Members are named as on the wire, with hyphens; what the plugin may add later is ignored.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


def _hyphenated(name: str) -> str:
    return name.replace("_", "-")


class Wire(BaseModel):
    """A JSON object whose members are named with hyphens; types are taken as they are, never converted."""

    model_config = ConfigDict(alias_generator=_hyphenated, populate_by_name=True, strict=True)


class Method(StrEnum):
    """The method of the request that Orthanc got."""

    DELETE = "delete"
    GET = "get"
    POST = "post"
    PUT = "put"


class Level(StrEnum):
    """What is accessed: a level of the DICOM model, or something else of Orthanc's (``system``)."""

    INSTANCE = "instance"
    PATIENT = "patient"
    SERIES = "series"
    STUDY = "study"
    SYSTEM = "system"


class TokenHolder(Wire):
    """The token of a request: the header or argument that carried it, and its value; absent when there was none."""

    token_key: str | None = Field(default=None, max_length=256)
    token_value: str | None = Field(default=None, max_length=16_384)
    server_id: str | None = None


class ValidationRequest(TokenHolder):
    """May this token do this? Asked for each checked level of an access."""

    method: Method = Field(strict=False)
    level: Level = Field(strict=False)
    dicom_uid: str | None = Field(default=None, description="All but system")
    orthanc_id: str | None = Field(default=None, description="All but system")
    uri: str | None = Field(default=None, description="System only: path without query")
    labels: list[str] = []


class ValidationAnswer(Wire):
    """Yes or no, and for how many seconds the plugin may remember it."""

    granted: bool
    validity: int = Field(ge=0)


class ProfileRequest(TokenHolder):
    """Whose token is this, or who has this user id; neither asks for the anonymous profile."""

    user_id: str | None = None


class ProfileAnswer(Wire):
    """Somebody, and what they may do whatever the study is."""

    name: str
    user_id: str | None = None
    groups: list[str] = []
    permissions: list[str]
    authorized_labels: list[str]
    validity: int = Field(ge=0)


class DecodedResource(Wire):
    """One thing that a token opens."""

    dicom_uid: str
    orthanc_id: str
    level: Level


class DecodedToken(Wire):
    """What a token opens, or why it opens nothing: expired, invalid, unknown."""

    error_code: str | None = None
    resources: list[DecodedResource]


class WantedResource(Wire):
    """One thing that somebody wants to share."""

    level: Level = Field(strict=False)
    dicom_uid: str | None = None
    orthanc_id: str | None = None
    url: str | None = None


class SharingRequest(Wire):
    """A link that a user of Orthanc wants to hand on."""

    type: str
    id: str | None = None
    server_id: str | None = None
    resources: list[WantedResource] = Field(max_length=1_000)
    expiration_date: str | None = None
    validity_duration: int | None = Field(default=None, ge=0)


class RolePermissions(Wire):
    """What a role may do whatever the study is."""

    permissions: list[str]
    authorized_labels: list[str]


class RoleSettings(Wire):
    """Every role, and the labels there are."""

    roles: dict[str, RolePermissions]
    available_labels: list[str]
    server_id: str | None = None
