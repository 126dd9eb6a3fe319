"""The demo's network as a federation document: trusts, identity providers, archives, viewers, AI services, people.

It names what an operator would register. The service's ``federation load`` command takes the same shape from a file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from governance.simulation.credentials import Credentials
from governance.vocabulary import Modality, Purpose, Scope

OFFICE = "QHL"  # the integrated care board that runs the demo network's service
AI_SERVICE = "ai-ich-triage"
AI_VERSIONS = ("2.1.0", "2.2.0")
AI_APPROVED_AT = datetime(2024, 9, 2, 9, 0, tzinfo=UTC)  # before any day that the simulator plays
FEEDS = "regional-feeds"  # sends the region's context and events: the simulator
EXPLORER = "explorer"  # asks for decisions and reads everything: the person who tries the demo
SOC = "soc-dashboard"
_NOT_EXPLORED = frozenset({Scope.ALERTS_REVIEW, Scope.BUNDLES_READ, Scope.TOKENS_INTROSPECT})
_ATTESTED = ["assurance", "device"]  # a viewer knows how its people signed in, and at which screen
EVERY_TRUST = "*"
EXPLORER_SCOPES = tuple(scope for scope in Scope if scope not in _NOT_EXPLORED)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the demo's parts answer: the service, and the identity providers' common root."""

    service: str
    identity: str


def audience(ods: str) -> str:
    """Give the audience of tokens for a trust's archive."""
    return f"https://archive.{ods.lower()}.example/dicom-web"


def archive_id(ods: str) -> str:
    """Give the client id of a trust's archive."""
    return f"archive-{ods.lower()}"


def viewer_id(ods: str) -> str:
    """Give the client id of a trust's viewer."""
    return f"viewer-{ods.lower()}"


def client_ids(trusts: Sequence[str]) -> tuple[str, ...]:
    """Give every service of the demo network."""
    return (
        *(archive_id(ods) for ods in trusts),
        *(viewer_id(ods) for ods in trusts),
        AI_SERVICE,
        FEEDS,
        EXPLORER,
        SOC,
    )


def federation(
    addresses: Addresses,
    trusts: Mapping[str, str],
    credentials: Mapping[str, Credentials],
    people: Sequence[Mapping[str, Any]],
    broker_client_id: str,
) -> dict[str, Any]:
    """Build the federation document.

    Args:
        addresses: where the parts answer.
        trusts: names by ODS code.
        credentials: of every service of :func:`client_ids`.
        people: console accounts as ``{ods, subject, roles}``.
        broker_client_id: the audience of identity tokens that may be exchanged.
    """
    issuers = {ods: f"{addresses.identity}/{ods}" for ods in trusts}
    return {
        "trusts": [
            *({"ods": ods, "name": name} for ods, name in trusts.items()),
            {"ods": OFFICE, "name": "Birmingham and Solihull Integrated Care Board"},
        ],
        "identity_providers": [
            {"issuer": issuer, "ods": ods, "jwks_uri": f"{issuer}/jwks", "audiences": [broker_client_id]}
            for ods, issuer in issuers.items()
        ],
        "clients": _clients(trusts, credentials),
        "manifests": [_manifest(version, sorted(trusts)) for version in AI_VERSIONS],
        "persons": [
            {"issuer": issuers[who["ods"]], "subject": who["subject"], "ods": who["ods"], "roles": list(who["roles"])}
            for who in people
        ],
    }


def _clients(trusts: Mapping[str, str], credentials: Mapping[str, Credentials]) -> list[dict[str, Any]]:
    everywhere = [audience(ods) for ods in trusts]

    def client(client_id: str, ods: str, name: str, scopes: Sequence[Scope], **more: Any) -> dict[str, Any]:
        keys = credentials[client_id].jwks()
        base = {"client_id": client_id, "ods": ods, "name": name, "kind": "service", "jwks": keys}
        return base | {"scopes": [scope.value for scope in scopes]} | more

    made = [
        client(archive_id(ods), ods, f"Archive of {name}", [Scope.AUDIT_WRITE], token_audience=audience(ods))
        for ods, name in trusts.items()
    ]
    made += [
        client(
            viewer_id(ods), ods, f"Viewer of {name}", [Scope.ACCESS_EVALUATE], audiences=everywhere, attests=_ATTESTED
        )
        for ods, name in trusts.items()
    ]
    made.append(
        client(
            AI_SERVICE,
            "RRK",
            "Intracranial haemorrhage triage",
            [Scope.ACCESS_EVALUATE],
            kind="ai_service",
            audiences=everywhere,
            ai_version=AI_VERSIONS[-1],
        )
    )
    feeds = [Scope.AUDIT_WRITE, Scope.CONTEXT_WRITE]
    made.append(client(FEEDS, OFFICE, "Regional feeds", feeds, writes_for="region"))
    made.append(client(SOC, OFFICE, "SOC dashboard", [Scope.ALERTS_READ, Scope.METRICS_READ]))
    made.append(
        client(
            EXPLORER,
            OFFICE,
            "Explorer of the demo",
            EXPLORER_SCOPES,
            asks_for=[EVERY_TRUST],
            attests=_ATTESTED,
            writes_for="region",
        )
    )
    return made


def _manifest(version: str, trusts: Sequence[str]) -> dict[str, Any]:
    return {
        "service_id": AI_SERVICE,
        "version": version,
        "modalities": [Modality.CT.value],
        "body_parts": ["HEAD"],
        "trusts": list(trusts),
        "purposes": [Purpose.TREAT.value],
        "daily_volume": 2_000,
        "approved_at": AI_APPROVED_AT.isoformat().replace("+00:00", "Z"),
    }
