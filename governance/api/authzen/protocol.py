"""The rules of AuthZEN Authorization API 1.0 that do not depend on what is decided: batches, pages, endpoints.

Every policy decision point of this service, the network's own and each tenant's, answers with these.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from governance.access import Searched
from governance.errors import InvalidInput

ENTITIES = ("subject", "action", "resource", "context")
_REQUIRED = {"subject": ("type", "id"), "action": ("name",), "resource": ("type", "id")}
_DECIDING = {"deny_on_first_deny": False, "permit_on_first_permit": True}
Question = TypeVar("Question")


def merged(defaults: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """Merge an item of a batch with the defaults (section 7.1.1).

    An entity replaces the default whole, only a missing name is filled in.
    """
    made: dict[str, Any] = {}
    for entity in ENTITIES:
        default, own = defaults.get(entity), item.get(entity)
        if own is None and default is not None:
            made[entity] = default
        elif own is not None:
            made[entity] = own
            if isinstance(own, dict) and isinstance(default, dict):
                missing = {name: default[name] for name in _REQUIRED.get(entity, ()) if name in default}
                made[entity] = missing | own
    return made


def read_batch(
    defaults: Mapping[str, Any], items: Sequence[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], Question]
) -> list[Question | InvalidInput]:
    """Read each item of a batch; one that cannot be understood stands as its error.

    Args:
        defaults: the top-level members.
        items: the ``evaluations``.
        read: turns a merged item into a question; raises InvalidInput.
    """
    questions: list[Question | InvalidInput] = []
    for item in items:
        try:
            questions.append(read(merged(defaults, item)))
        except InvalidInput as error:
            questions.append(error)
    return questions


def evaluate_batch(
    questions: Sequence[Question | InvalidInput],
    semantic: str,
    decide: Callable[[list[Question]], list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """Decide in order; a bad item is a denial of its own and spoils no other (sections 7.1.2 and 7.2).

    Args:
        questions: what :func:`read_batch` gave.
        semantic: ``execute_all``, or one of the two that stop at the item that decides.
        decide: decides questions and renders the answers, in order.
    """
    if semantic not in _DECIDING:
        good = [question for question in questions if not isinstance(question, InvalidInput)]
        answers = iter(decide(good) if good else ())
        return [refused(q) if isinstance(q, InvalidInput) else next(answers) for q in questions]
    made: list[dict[str, Any]] = []
    for question in questions:
        made.append(refused(question) if isinstance(question, InvalidInput) else decide([question])[0])
        if made[-1]["decision"] is _DECIDING[semantic]:
            break
    return made


def refused(error: InvalidInput) -> dict[str, Any]:
    """Render the denial of an item that cannot be understood."""
    faults = [{"pointer": fault.path, "detail": fault.message} for fault in error.faults]
    return {"decision": False, "context": {"error": {"status": 400, "message": error.detail, "errors": faults}}}


def endpoints(base: str, searches: Sequence[Searched] | frozenset[Searched]) -> dict[str, str]:
    """Give the endpoints of a policy decision point for its metadata (section 9.1); nothing that it does not offer."""
    return {
        "policy_decision_point": base,
        "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
    } | {
        f"search_{kind.value}_endpoint": f"{base}/access/v1/search/{kind.value}"
        for kind in (Searched.SUBJECT, Searched.RESOURCE, Searched.ACTION)
        if kind in searches
    }


def repeated(searched: Searched, body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the members that every page of a search repeats (section 8.1); members that are ignored may differ."""
    members = {name: body[name] for name in sorted(ENTITIES) if body.get(name) is not None}
    if searched is Searched.ACTION:
        members.pop("action", None)
        return members
    return members | {searched.value: {name: value for name, value in members[searched.value].items() if name != "id"}}
