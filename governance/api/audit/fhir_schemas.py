"""FHIR resources as the API describes them: by name only, for FHIR R4 and IHE BALP define what is in them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from governance.web.openapi.schemas import OperationOutcome

__all__ = ["AuditEvent", "AuditEventQuery", "Bundle", "CapabilityStatement", "OperationOutcome"]


class _Resource(BaseModel):
    model_config = ConfigDict(extra="allow")


class AuditEvent(_Resource):
    """An AuditEvent (FHIR R4 section 6.3, IHE BALP); the members are FHIR's."""

    resourceType: Literal["AuditEvent"]  # noqa: N815 - FHIR's name


class CapabilityStatement(_Resource):
    """What the FHIR endpoints can do (R4 section 5.2)."""

    resourceType: Literal["CapabilityStatement"]  # noqa: N815 - FHIR's name


class Bundle(_Resource):
    """A batch of AuditEvents, the answer to one, or what a search found (R4 section 2.36)."""

    resourceType: Literal["Bundle"]  # noqa: N815 - FHIR's name
    type: str = Field(description="batch, batch-response or searchset")
    entry: list[dict[str, Any]] | None = None


class AuditEventQuery(BaseModel):
    """The parameters of a search (IHE ITI-81); a token is ``system|value`` or ``value``."""

    model_config = ConfigDict(extra="forbid")

    date: list[str] = Field(description="needs a lower and an upper bound, such as ge2026-11-01 and lt2026-12-01")
    address: str | None = Field(None, description="network address of an agent")
    agent_identifier: str | None = Field(None, alias="agent.identifier", description="token: who acted")
    entity_identifier: str | None = Field(None, alias="entity.identifier", description="token: what it was about")
    entity_role: str | None = Field(None, alias="entity-role", description="token")
    entity_type: str | None = Field(None, alias="entity-type", description="token")
    outcome: str | None = Field(None, description="token: 0, 4, 8 or 12")
    patient_identifier: str | None = Field(None, alias="patient.identifier", description="token: whose images")
    source_identifier: str | None = Field(None, alias="source.identifier", description="token: the system that saw it")
    subtype: str | None = Field(None, description="token")
    type: str | None = Field(None, description="token")
    id_: str | None = Field(None, alias="_id", description="index in the log")
    last_updated: list[str] | None = Field(None, alias="_lastUpdated", description="when it was recorded")
    count: int | None = Field(None, alias="_count", description="events of a page")
    sort: str | None = Field(None, alias="_sort", description="date or -date")
    format_: str | None = Field(None, alias="_format", description="json")
