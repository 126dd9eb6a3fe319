"""What a view says of itself for the API's description."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])
_OPERATION = "__operation__"


class Errors(Enum):
    """The shape of an endpoint's errors."""

    PROBLEM = "problem"
    OAUTH = "oauth"
    FHIR = "fhir"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a view says of itself, as a decorator of the view.

    Args:
        summary: what it does, in one line.
        tag: the group of operations it belongs to.
        request: the body; of NDJSON, one line of it.
        response: the answer.
        query: the query parameters.
        headers: request headers that change the answer, by name, each with a sentence.
        request_media: the body's media type.
        request_also: further media types of the same body; JSON beside NDJSON is an array of the same lines.
        response_media: the answer's media type.
        response_also: further media types of the same answer, by the ``Accept`` header.
        status: of the answer when all is well.
        also: further answers that are no error, by status: what each means, and its JSON body if it has one.
        errors: the shape of errors.
        refusals: statuses beyond those that follow from scope, parameters and body, each with what it means.
        example: a body that is taken as it stands.
    """

    summary: str
    tag: str
    request: type[BaseModel] | None = None
    response: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    request_media: str = "application/json"
    request_also: tuple[str, ...] = ()
    response_media: str = "application/json"
    response_also: tuple[str, ...] = ()
    status: int = 200
    also: Mapping[int, tuple[str, type[BaseModel] | None]] = field(default_factory=dict)
    errors: Errors = Errors.PROBLEM
    refusals: Mapping[int, str] = field(default_factory=dict)
    example: Any = None

    def __call__(self, view: View) -> View:
        """Describe a view."""
        setattr(view, _OPERATION, self)
        return view


operation = Operation  # as a decorator is written


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Give what a view says of itself, None when it is silent."""
    return getattr(view, _OPERATION, None)
