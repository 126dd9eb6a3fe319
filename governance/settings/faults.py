"""How a wrong setting is reported: by its variable, in our words, and never with its value."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from governance.errors import Fault

PREFIX = "GOVERNANCE_"

_UNKNOWN = "no such setting; docs/settings.md lists them"
_UNSAID = "is not what docs/settings.md says"  # a library's message may repeat the value
_CONSEQUENCE = "default_factory_not_called"  # a default that follows from a setting which is wrong itself


class WrongValue(ValueError):
    """A value cannot be taken; ``messages`` says everything wrong with it and repeats none of it."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def variable(name: str) -> str:
    """Give the variable of the environment that a field is read from; a variable is given as it is written."""
    return name if name.upper().startswith(PREFIX) else PREFIX + name.upper()


def faults_of(error: ValidationError) -> list[Fault]:
    """Give every fault that the validation of the settings found, in the order of the declaration."""
    return [
        Fault(variable(str(found["loc"][0])), message)
        for found in error.errors(include_url=False, include_input=False)
        if found["type"] != _CONSEQUENCE
        for message in _messages(found)
    ]


def plain(number: float) -> str:
    """Write a bound as people do: 1 and not 1.0."""
    return str(int(number)) if number == int(number) else str(number)


def _messages(found: Mapping[str, Any]) -> Iterator[str]:
    context = found.get("ctx", {})
    match found["type"]:
        case "missing":
            yield "is required"
        case "extra_forbidden":
            yield _UNKNOWN
        case "int_parsing" | "int_parsing_size" | "float_parsing":
            yield f"is not a number of type {found['type'].partition('_')[0]}"
        case "finite_number":
            yield "is a finite number"
        case "greater_than_equal":
            yield f"is {plain(context['ge'])} or more"
        case "less_than_equal":
            yield f"is {plain(context['le'])} or less"
        case "literal_error":
            yield "is " + context["expected"].replace("'", "")
        case _:
            wrong = context.get("error")
            yield from wrong.messages if isinstance(wrong, WrongValue) else (_UNSAID,)
