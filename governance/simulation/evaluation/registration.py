"""The generated region as a federation document: what an operator registers before anything is sent."""

from collections.abc import Mapping
from typing import Any

from governance.simulation.credentials import Credentials
from governance.simulation.network import OFFICE
from governance.vocabulary import Purpose, Scope

FEEDS = "evaluation-feeds"  # sends everything
READER = "evaluation-reader"  # reads alerts, the log, and how far detection is
FEEDS_SCOPES = (Scope.AUDIT_WRITE.value, Scope.CONTEXT_WRITE.value)
READER_SCOPES = (Scope.ALERTS_READ.value, Scope.AUDIT_READ.value, Scope.METRICS_READ.value)

Document = dict[str, Any]


def client_ids(network: Mapping[str, Any]) -> tuple[str, ...]:
    """Give every client of the region: the two above, its sources, its AI services."""
    return (FEEDS, READER, *network["sources"], *(service["id"] for service in network["services"]))


def federation(network: Mapping[str, Any], credentials: Mapping[str, Credentials]) -> Document:
    """Build the document from what the generator says of its network."""
    return {
        "trusts": [*network["trusts"], {"ods": OFFICE, "name": "Integrated Care Board of the simulated region"}],
        "clients": _clients(network, credentials),
        "manifests": [row for service in network["services"] for row in _manifests(service)],
    }


def _clients(network: Mapping[str, Any], credentials: Mapping[str, Credentials]) -> list[Document]:
    def client(name: str, ods: str, scopes: tuple[str, ...], **more: Any) -> Document:
        made = {"client_id": name, "ods": ods, "name": name, "kind": "service", "jwks": credentials[name].jwks()}
        return made | {"scopes": list(scopes)} | more

    made = [client(FEEDS, OFFICE, FEEDS_SCOPES, writes_for="region"), client(READER, OFFICE, READER_SCOPES)]
    made += [client(name, name.split("-")[1].upper(), (Scope.AUDIT_WRITE.value,)) for name in network["sources"]]
    for service in network["services"]:
        version = next(iter(service["versions"]))
        made.append(
            client(service["id"], service["ods"], (Scope.ACCESS_EVALUATE.value,), kind="ai_service", ai_version=version)
        )
    return made


def _manifests(service: Mapping[str, Any]) -> list[Document]:
    return [
        {
            "service_id": service["id"],
            "version": version,
            "modalities": [service["modality"]],
            "body_parts": [service["body_part"]],
            "trusts": service["trusts"],
            "purposes": [Purpose.TREAT.value],
            "daily_volume": service["daily_volume"],
            "approved_at": approved,
        }
        for version, approved in service["versions"].items()
    ]
