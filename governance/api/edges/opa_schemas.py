"""Shapes of the endpoints for the trusts' own OPAs."""

from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel

from governance.api.audit.schemas import IngestAnswer, ingested
from governance.edges import EdgeState
from governance.intake import Taken


class VerificationKey(BaseModel):
    """One of OPA's ``keys``."""

    algorithm: str
    key: str


class VerificationKeys(BaseModel):
    """The public keys of bundles, in the form of OPA's configuration: the one that signs, and the next one."""

    keys: dict[str, VerificationKey]


class DecisionLog(RootModel[list[dict[str, Any]]]):
    """An upload of OPA's Decision Log Service API."""


class LogAnswer(IngestAnswer):
    """What became of an upload: of the entries in ``rejected``, ``quarantined`` are kept and can be read again.

    ``refused`` are not: as many of this edge wait unread as may. They are named in the log; sending them again does not
    help before somebody has looked at those that wait.
    """

    quarantined: int
    refused: int


class Status(BaseModel):
    """A status of OPA's Status API; more members are taken and passed over."""

    model_config = ConfigDict(extra="allow")

    labels: dict[str, Any]
    bundles: dict[str, Any] | None = None


class Edge(BaseModel):
    """The state of an edge.

    ``lag_seconds`` are those since it last was at the newest revision, ``age_seconds`` since its last status,
    ``staleness_seconds`` since it last had word from the service; ``stale`` says that it denies everything for it.
    ``decisions_lost`` are those its OPA dropped before they reached its log.
    """

    client_id: str
    ods: str
    current: bool
    lag_seconds: float | None
    age_seconds: float | None
    staleness_seconds: float | None
    stale: bool
    decisions_lost: int
    received_at: str | None
    revision: str | None
    revocations: str | None
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
        staleness_seconds=state.staleness,
        stale=state.stale,
        decisions_lost=state.lost,
        received_at=state.received_at.isoformat() if state.received_at else None,
        revision=report.revision if report else None,
        revocations=report.revocations if report else None,
        code=report.code if report else None,
        message=report.message if report else None,
        version=report.version if report else None,
    )


def answer_of(taken: Taken) -> LogAnswer:
    """Say what became of an upload."""
    return LogAnswer(**ingested(taken).model_dump(), quarantined=taken.quarantined, refused=taken.refused)
