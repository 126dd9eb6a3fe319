"""What the FHIR endpoints can do: the R4 CapabilityStatement of a BALP audit record repository (ITI-20 and ITI-81)."""

from typing import Any

from governance.api.audit.fhir_search import PARAMETERS

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"
PROFILES = (
    "IHE.BasicAudit.AuthZconsent",
    "IHE.BasicAudit.Create",
    "IHE.BasicAudit.Delete",
    "IHE.BasicAudit.OAUTHaccessTokenUse.Comprehensive",
    "IHE.BasicAudit.OAUTHaccessTokenUse.Minimal",
    "IHE.BasicAudit.OAUTHaccessTokenUse.Opaque",
    "IHE.BasicAudit.PatientCreate",
    "IHE.BasicAudit.PatientDelete",
    "IHE.BasicAudit.PatientQuery",
    "IHE.BasicAudit.PatientRead",
    "IHE.BasicAudit.PatientUpdate",
    "IHE.BasicAudit.PrivacyDisclosure.Recipient",
    "IHE.BasicAudit.PrivacyDisclosure.Source",
    "IHE.BasicAudit.Query",
    "IHE.BasicAudit.Read",
    "IHE.BasicAudit.Update",
    "IHE.IUA.71",
)
_DATES = frozenset({"_lastUpdated", "date"})
_STRINGS = frozenset({"address"})
_CONTROLS = frozenset({"_count", "_format", "_sort"})


def capability_statement(base: str, version: str, date: str) -> dict[str, Any]:
    """Give the statement.

    Args:
        base: the FHIR base URL.
        version: the software's version.
        date: the day it says this, ``YYYY-MM-DD``.
    """
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "Imaging governance", "version": version},
        "implementation": {"description": "Audit record repository of the imaging network", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml"],
        "rest": [
            {
                "mode": "server",
                "documentation": "Takes AuditEvents in JSON and XML, answers in JSON. Read-only once recorded.",
                "security": {"description": "OAuth 2 bearer tokens; scopes audit.write and audit.read (IHE IUA)."},
                "resource": [_audit_event()],
                "interaction": [{"code": "batch"}],
            }
        ],
    }


def _audit_event() -> dict[str, Any]:
    return {
        "type": "AuditEvent",
        "supportedProfile": [BALP + name for name in PROFILES],
        "interaction": [{"code": "create"}, {"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": False,
        "searchParam": [{"name": name, "type": _type_of(name)} for name in PARAMETERS if name not in _CONTROLS],
    }


def _type_of(name: str) -> str:
    if name in _DATES:
        return "date"
    return "string" if name in _STRINGS else "token"
