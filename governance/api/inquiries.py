"""Questions to people, from an alert: ask, see what became of it, and rule on the answer.

Whoever may review the alert may do so; nobody about themselves. The answer itself is given at the console.
"""

from flask import Blueprint, Response, json, jsonify

from governance.api import inquiries_schemas as schemas
from governance.api.alerts import viewer
from governance.api.oauth.schemas import KeySet
from governance.inquiries import Inquiry
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, public, requires
from governance.web.body import validated

blueprint = Blueprint("inquiries", __name__)
_PATH = "/alerts/v1/alerts/<alert_id>"
_DIRECTORY = "application/http-message-signatures-directory+json"
_NO = {409: "There is nobody to ask, or it was ruled on."}
_REASON = {"reason": "The rota of that night shows it."}


@blueprint.post(f"{_PATH}/ask")
@requires(Scope.ALERTS_REVIEW)
@operation(
    summary="Ask the person an alert is about, or their manager",
    tag="alerts",
    request=schemas.AskRequest,
    response=schemas.InquiryView,
    refusals=_NO,
    example={"asked": "person", "why": "No reason for opening these images is on record."},
)
def ask(alert_id: str) -> Response:
    """Ask; the question that is open already is given back unchanged."""
    asked = validated(schemas.AskRequest)
    return _one(current_services().uses.inquiries.ask(viewer(), alert_id, asked.asked, asked.why))


@blueprint.get(f"{_PATH}/inquiries")
@requires(Scope.ALERTS_READ)
@operation(summary="List the questions asked from an alert", tag="alerts", response=schemas.InquiriesPage)
def inquiries(alert_id: str) -> Response:
    """Give the questions of an alert, with their messages and answers."""
    found = current_services().uses.inquiries.of_case(viewer(), alert_id)
    return jsonify(schemas.InquiriesPage(inquiries=_views(found)).model_dump(mode="json"))


@blueprint.post(f"{_PATH}/inquiries/<reference>/confirm")
@requires(Scope.ALERTS_REVIEW)
@operation(
    summary="Accept an answer as the reason",
    tag="alerts",
    request=schemas.Ruling,
    response=schemas.InquiryView,
    refusals=_NO,
    example=_REASON,
)
def confirm(alert_id: str, reference: str) -> Response:
    """Confirm an answer: from here on it explains these looks. It opens nothing to anybody."""
    reason = validated(schemas.Ruling).reason
    return _one(current_services().uses.inquiries.confirm(viewer(), alert_id, reference, reason))


@blueprint.post(f"{_PATH}/inquiries/<reference>/reject")
@requires(Scope.ALERTS_REVIEW)
@operation(
    summary="Do not accept an answer",
    tag="alerts",
    request=schemas.Ruling,
    response=schemas.InquiryView,
    refusals=_NO,
    example=_REASON,
)
def reject(alert_id: str, reference: str) -> Response:
    """Reject an answer."""
    reason = validated(schemas.Ruling).reason
    return _one(current_services().uses.inquiries.reject(viewer(), alert_id, reference, reason))


@blueprint.get("/.well-known/http-message-signatures-directory")
@public("receivers of messages need the public keys to check who sent them")
@operation(
    summary="The public keys of messages to other systems",
    tag="operations",
    response=KeySet,
    response_media=_DIRECTORY,
)
def message_keys() -> Response:
    """Give the public keys of webhook messages (RFC 9421): the one that signs, and the next."""
    keys = current_services().registers.message_keys.published()
    return Response(json.dumps(keys), content_type=_DIRECTORY)


def _one(inquiry: Inquiry) -> Response:
    return jsonify(_views((inquiry,))[0].model_dump(mode="json"))


def _views(found: tuple[Inquiry, ...]) -> list[schemas.InquiryView]:
    """Give questions with their messages, and the words of answers to whoever may review."""
    services = current_services()
    may_read = Scope.ALERTS_REVIEW.value in current_caller().scopes
    with services.infrastructure.database.reading() as session:
        messages = services.uses.inquiries.messages_in(session, found)
        words = {one.number: services.uses.inquiries.words_in(session, one) if may_read else None for one in found}
    return [schemas.view_of(one, messages[one.number], words[one.number]) for one in found]
