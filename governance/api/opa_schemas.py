"""Shapes of the doors for the trusts' own OPAs."""

from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel

from governance.enforcement import EdgeState


class VerificationKey(BaseModel):
    """One of OPA's ``keys``."""

    algorithm: str
    key: str


class VerificationKeys(BaseModel):
    """The public keys of bundles, in the form of OPA's configuration: the one that signs, and the next one."""

    keys: dict[str, VerificationKey]


class DecisionLog(RootModel[list[dict[str, Any]]]):
    """An upload of OPA's Decision Log Service API."""


class Status(BaseModel):
    """A status of OPA's Status API; more members are taken and passed over."""

    model_config = ConfigDict(extra="allow")

    labels: dict[str, Any]
    bundles: dict[str, Any] | None = None


class Edge(BaseModel):
    """How an edge stands: seconds since it last was at the newest revision, and since its last status."""

    client_id: str
    ods: str
    current: bool
    lag_seconds: float | None
    age_seconds: float | None
    received_at: str | None
    revision: str | None
    code: str | None
    message: str | None
    version: str | None


class EdgeList(BaseModel):
    """The revision every edge should be at, and the edges."""

    revision: str
    edges: list[Edge]


def edge_of(state: EdgeState) -> Edge:
    """Show an edge."""
    report = state.report
    return Edge(
        client_id=state.client_id,
        ods=state.ods,
        current=state.current,
        lag_seconds=state.lag,
        age_seconds=state.age,
        received_at=state.received_at.isoformat() if state.received_at else None,
        revision=report.revision if report else None,
        code=report.code if report else None,
        message=report.message if report else None,
        version=report.version if report else None,
    )
