"""AuthZEN questions turned into the network's words, alike for an evaluation and for a search.

1. A member that is missing or of the wrong type never gets here: the schemas refuse it.
2. In an evaluation a type, action or identifier that the network does not know is a fault. In a search it is something
   that nothing is found for (section 8).
3. A role, an organisation or a purpose that cannot be understood is a fault everywhere.
4. A search takes no emergency and no claim: they are a person's reason to open one study.
"""

from enum import StrEnum
from typing import TypeVar

from governance.api.authzen import schemas
from governance.decisions import AccessRequest, RequestSubject
from governance.errors import Fault, InvalidInput
from governance.vocabulary import Action, Purpose, Role, SubjectType, ods_code, study_uid

STUDY = "study"
_NOT_TAKEN = "The search cannot be taken."
_UNKNOWN = "is not a code this network knows"
Code = TypeVar("Code", bound=StrEnum)


def access_request(asked: schemas.EvaluationRequest) -> AccessRequest:
    """Turn the question of an evaluation.

    Raises:
        InvalidInput: a code is unknown or an identifier malformed, each named by its pointer.
    """
    faults: list[Fault] = []
    if asked.resource.type != STUDY:
        faults.append(Fault("/resource/type", "must be study"))
    kind, action = _code(SubjectType, asked.subject.type), _code(Action, asked.action.name)
    faults += [Fault("/subject/type", _UNKNOWN)] if kind is None else []
    faults += [Fault("/action/name", _UNKNOWN)] if action is None else []
    try:
        study_uid(asked.resource.id)
    except ValueError as error:
        faults.append(Fault("/resource/id", str(error)))
    purpose = _purpose(asked.context, faults)
    _properties(asked.subject.properties, faults)
    if faults or kind is None or action is None or purpose is None:
        raise InvalidInput(faults, "The question cannot be understood.")
    context = asked.context
    return AccessRequest(
        subject=_subject(kind, asked.subject.id, asked.subject.properties),
        action=action,
        purpose=purpose,
        study_uid=asked.resource.id,
        break_glass_reason=context.break_glass.reason if context.break_glass else None,
        self_claim_reason=context.self_claim.reason if context.self_claim else None,
        supported_obligations=_supported(context),
    )


def subject_search(asked: schemas.SubjectSearchRequest) -> AccessRequest | None:
    """Turn a search for subjects; None when nobody can be found for what it names. Raises InvalidInput."""
    if asked.context.subject_token is not None:
        raise InvalidInput([Fault("/context/subject_token", "a search for subjects is about nobody yet")], _NOT_TAKEN)
    purpose = _searchable(asked.context, asked.subject.properties)
    kind, action = _code(SubjectType, asked.subject.type), _code(Action, asked.action.name)
    if kind is None or action is None or not _study(asked.resource):
        return None
    subject = _subject(kind, "", asked.subject.properties)
    return AccessRequest(subject, action, purpose, asked.resource.id, supported_obligations=_supported(asked.context))


def resource_search(asked: schemas.ResourceSearchRequest) -> AccessRequest | None:
    """Turn a search for studies; None when none can be found for what it names. Raises InvalidInput."""
    purpose = _searchable(asked.context, asked.subject.properties)
    kind, action = _code(SubjectType, asked.subject.type), _code(Action, asked.action.name)
    if kind is None or action is None or asked.resource.type != STUDY:
        return None
    subject = _subject(kind, asked.subject.id, asked.subject.properties)
    return AccessRequest(subject, action, purpose, supported_obligations=_supported(asked.context))


def action_search(asked: schemas.ActionSearchRequest) -> AccessRequest | None:
    """Turn a search for actions; None when none can be found for what it names. Raises InvalidInput."""
    purpose = _searchable(asked.context, asked.subject.properties)
    kind = _code(SubjectType, asked.subject.type)
    if kind is None or not _study(asked.resource):
        return None
    subject = _subject(kind, asked.subject.id, asked.subject.properties)
    return AccessRequest(
        subject, Action.READ, purpose, asked.resource.id, supported_obligations=_supported(asked.context)
    )


def _searchable(context: schemas.Context, properties: schemas.SubjectProperties) -> Purpose:
    """Give the purpose of a search whose context and properties can be taken (rules 3 and 4)."""
    faults: list[Fault] = []
    purpose = _purpose(context, faults)
    if purpose is Purpose.BTG:
        faults.append(Fault("/context/purpose", "an emergency opens one study: ask for an evaluation"))
    for name, reason in (("break_glass", context.break_glass), ("self_claim", context.self_claim)):
        if reason is not None:
            faults.append(Fault(f"/context/{name}", "a reason opens one study: ask for an evaluation"))
    _properties(properties, faults)
    if faults or purpose is None:
        raise InvalidInput(faults, _NOT_TAKEN)
    return purpose


def _subject(kind: SubjectType, name: str, properties: schemas.SubjectProperties) -> RequestSubject:
    return RequestSubject(
        id=name,
        type=kind,
        role=properties.role,
        ods=properties.ods,
        assurance=properties.assurance,
        version=properties.version,
        managed_device=properties.managed_device,
        named_by=properties.issuer,
    )


def _study(resource: schemas.Resource) -> bool:
    try:
        return resource.type == STUDY and bool(study_uid(resource.id))
    except ValueError:
        return False


def _purpose(context: schemas.Context, faults: list[Fault]) -> Purpose | None:
    purpose = _code(Purpose, context.purpose)
    if purpose is None:
        faults.append(Fault("/context/purpose", _UNKNOWN))
    return purpose


def _properties(properties: schemas.SubjectProperties, faults: list[Fault]) -> None:
    if properties.role and _code(Role, properties.role) is None:
        faults.append(Fault("/subject/properties/role", _UNKNOWN))
    if properties.ods is not None:
        try:
            ods_code(properties.ods)
        except ValueError as error:
            faults.append(Fault("/subject/properties/ods", str(error)))


def _supported(context: schemas.Context) -> frozenset[str] | None:
    return frozenset(context.supported_obligations) if context.supported_obligations is not None else None


def _code(kind: type[Code], value: str) -> Code | None:
    try:
        return kind(value)
    except ValueError:
        return None
