"""The token about its subject that a question may come with: ``context.subject_token``, named as in RFC 8693.

AuthZEN Authorization API 1.0 leaves the members of ``context`` to the parties (section 5.4). A question with a token is
about the token's subject, for the organisation and in the role that the token names, whoever asks. What is wrong with
the token is a fault of the request, never a question without one.
"""

from dataclasses import replace

from governance.api.authzen.schemas import Context
from governance.decisions import AccessRequest, ProvenSubject
from governance.errors import Fault, InvalidInput
from governance.tokens import OAuthError, TokenType
from governance.web import current_caller, current_services

_NOT_TAKEN = "The token of the subject cannot be taken."


class PresentedTokens:
    """Takes the tokens of one HTTP request; one that comes with many questions is verified once."""

    def __init__(self) -> None:
        self._verified: dict[tuple[str, str], ProvenSubject] = {}

    def take(self, request: AccessRequest, context: Context) -> AccessRequest:
        """Give a question with whom its token is about, or as it is when it has none.

        Raises:
            InvalidInput: the token is not accepted, or is about another subject than the question.
            Unavailable: the identity provider's keys cannot be had now.
        """
        if context.subject_token is None:
            return request
        key = context.subject_token, context.subject_token_type
        if key not in self._verified:
            self._verified[key] = _verified(*key)
        proven, names = self._verified[key], current_services().infrastructure.pseudonymiser
        asked = request.subject
        if asked.type is not proven.type or (asked.id and names.subject(asked.id) != names.subject(proven.id)):
            raise InvalidInput([Fault("/subject/id", "is not whom the token is about")], _NOT_TAKEN)
        return replace(request, token_subject=proven)


def _verified(token: str, token_type: str) -> ProvenSubject:
    tokens = current_services().registers.tokens
    try:
        found = tokens.verify_presented(token, TokenType(token_type), current_caller().id)
    except OAuthError as error:
        raise InvalidInput([Fault("/context/subject_token", error.detail)], _NOT_TAKEN) from None
    return ProvenSubject(found.subject, found.type, found.role, found.ods, found.assurance, named_by=found.named_by)
