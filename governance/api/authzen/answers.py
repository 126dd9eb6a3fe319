"""AuthZEN answers: the decision, what it rests on, what must be done, and how a denial can be answered.

Obligations are written under the names of the AuthZEN obligations draft. What this service does itself (it notifies
the privacy officers, and has a share reviewed) says so in ``fulfilled_by``, and is left out for an enforcement point
that declared that it cannot do it: breaking the glass must not fail at the simplest of them.
"""

from collections.abc import Mapping
from typing import Any

from governance.access import AccessAnswer, Asker
from governance.api.authzen.instants import rfc3339, rfc3339_of_epoch
from governance.bootstrap import Services
from governance.decisions import (
    CUSTOM,
    FULFILLED_HERE,
    Decision,
    Obligation,
    ObligationType,
    honoured,
    wire_type,
)
from governance.vocabulary import SYSTEM


def rendered(answer: AccessAnswer, asker: Asker, services: Services) -> dict[str, Any]:
    """Render an answer: the decision, and in its context what it rests on and where it is recorded.

    It uses its arguments alone, for the event loop's endpoint calls it too.
    """
    decision = answer.decision
    agreement = decision.agreement
    context: dict[str, Any] = {
        "id": decision.id,
        "evaluation_id": decision.id,
        "evaluated_at": rfc3339(decision.decided_at),
        "reasons": [reason.value for reason in answer.reasons],
        "obligations": _obligations(decision, answer.asked.supported_obligations),
        "agreement": {"id": agreement.id, "version": agreement.version, "clause": agreement.clause}
        if agreement
        else None,
        "policy_revision": decision.revision,
        "requestable": decision.requestable,
        "log_index": answer.index,
    }
    if not decision.permit:
        context |= _denied(answer, asker, services)
    elif decision.emergency and decision.emergency.approval:
        approval = decision.emergency.approval
        context["approval"] = {"id": approval.id, "approved_until": rfc3339_of_epoch(approval.until)}
    return {"decision": decision.permit, "context": context}


def _denied(answer: AccessAnswer, asker: Asker, services: Services) -> dict[str, Any]:
    """Say of a denial its reason in one word, and what the enforcement point can do next."""
    said: dict[str, Any] = {"reason": answer.reasons[0].value}
    offer = services.uses.access_requests.offer(answer, asker)
    if offer is not None:
        return said | {
            "next_action": "request",
            "access_request": {
                "endpoint": f"{services.infrastructure.settings.issuer}/access/v1/request",
                "expires_at": rfc3339(offer.expires_at),
                "binding_token": offer.binding_token,
            },
        }
    if any(reason.transient for reason in answer.reasons):
        return said | {"next_action": "retry", "retry_after": 1}
    return said


def _obligations(decision: Decision, supported: frozenset[str] | None) -> list[dict[str, Any]]:
    return [
        _on_the_wire(one, decision)
        for one in decision.obligations
        if supported is None or one.type not in FULFILLED_HERE or honoured(one.type, supported)
    ]


def _on_the_wire(obligation: Obligation, decision: Decision) -> dict[str, Any]:
    """Name an obligation as the draft does, with the properties the draft asks for."""
    kind, own = wire_type(obligation.type), dict(obligation.properties)
    if obligation.type == ObligationType.STEP_UP:
        own["acr_value"] = f"AAL{own['identity_assurance']}_ANY"
    elif obligation.type == ObligationType.NOTIFICATION:
        own = _notification(own, decision)
    elif kind == CUSTOM:
        own |= {"vendor": SYSTEM, "action": obligation.type}
    if obligation.type in FULFILLED_HERE:
        own["fulfilled_by"] = "policy_decision_point"
    return {"id": obligation.id, "type": kind, "properties": own}


def _notification(own: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """Write a notification's message: a reference and nothing of the patient."""
    words = {
        "to": " ".join(own.get("notify", ())) or "owner_privacy_officer",
        "topic": str(own.get("cause", "ig_alert")),
        "body": f"An access needs your attention. Reference {decision.id}.",
    }
    return words | dict(own)
