"""Agreement documents: from YAML or JSON text to checked agreements, with every fault named by its path.

Steps, each run only when the one before found nothing in that document:

1. Syntax (``_syntax``): text to plain JSON values.
2. Shape: the published JSON Schema, draft 2020-12 (``schema/agreement-1.json``).
3. Identifiers and dates: ODS codes, days that exist.
4. Meaning (``_semantics``): checks across fields.

A fault never repeats what the document said: somebody may have pasted a patient into it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from governance.agreements._semantics import semantic_faults
from governance.agreements._syntax import MAXIMUM_BYTES, plain_faults, pointer, read_json, read_lines, read_yaml
from governance.agreements.canonical import canonical_text, text_hash
from governance.agreements.model import Agreement
from governance.agreements.packing import Format
from governance.audit.event import JsonValue
from governance.errors import Fault, InvalidInput

MAXIMUM_JSON_BYTES = 16 * MAXIMUM_BYTES
_READERS = {Format.JSON: read_json, Format.NDJSON: read_lines, Format.YAML: read_yaml}
_YEARS = range(1970, 2200)
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "empty",
    "number": "a number",
    "object": "a group of fields",
    "string": "text",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that passed every check, with its canonical text and the text's SHA-256."""

    agreement: Agreement
    text: str
    text_hash: str


def schema() -> dict[str, Any]:
    """Give the published JSON Schema of agreement documents."""
    read = resources.files("governance.agreements").joinpath("schema/agreement-1.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(read)
    return loaded


def parse(text: str, source: str, as_format: Format = Format.YAML) -> list[Any]:
    """Read a file's text into its documents.

    Args:
        text: YAML (one or more documents), JSON (an object or an array of objects), or lines of JSON.
        source: the file's name, used as the path of a fault.
        as_format: which of the three.

    Raises:
        InvalidInput: not readable, empty, or larger than 1 MiB of YAML or 16 MiB of JSON.
    """
    most = MAXIMUM_BYTES if as_format is Format.YAML else MAXIMUM_JSON_BYTES
    if len(text.encode("utf-8", "surrogatepass")) > most:
        message = f"is larger than {most // 1024 // 1024} MiB"
        raise InvalidInput([Fault(source, message)], "An agreement file is too large.")
    try:
        found = _READERS[as_format](text)
    except ValueError as error:
        raise InvalidInput([Fault(source, str(error))], "An agreement file cannot be read.") from None
    if not found:
        raise InvalidInput([Fault(source, "holds no agreement")], "An agreement file is empty.")
    return found


def check(document: Mapping[str, JsonValue], prefix: str = "") -> Checked:
    """Check one document through every step and give the agreement.

    Args:
        document: the plain JSON value.
        prefix: goes before the path of each fault (``/3`` for the fourth of a batch, a file name at the command line).

    Raises:
        InvalidInput: with every fault of the first step that found any.
    """
    for step in (plain_faults, _schema_faults, _day_faults):
        _refuse(step(document), prefix)
    agreement = Agreement.model_validate(document)
    _refuse(semantic_faults(agreement), prefix)
    text = canonical_text(document)
    return Checked(agreement, text, text_hash(text))


def read_back(text: str) -> Agreement:
    """Give the agreement of a canonical text that was checked before it was kept."""
    return Agreement.model_validate_json(text)


def _refuse(faults: Sequence[Fault], prefix: str) -> None:
    if faults:
        raise InvalidInput(
            [Fault(prefix + fault.path, fault.message) for fault in faults], "The agreement is not valid."
        )


_VALIDATOR = Draft202012Validator(schema())


def _schema_faults(document: Any) -> list[Fault]:
    errors = sorted(_VALIDATOR.iter_errors(document), key=lambda error: [str(part) for part in error.absolute_path])
    return [fault for error in errors for fault in _schema_fault(error)]


def _schema_fault(error: ValidationError) -> list[Fault]:
    path = "".join(f"/{pointer(part)}" for part in error.absolute_path)
    wanted: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "required":
        missing = next(name for name in wanted if name not in instance and f"'{name}'" in error.message)
        return [Fault(f"{path}/{missing}", "is missing")]
    if error.validator == "additionalProperties" and wanted is False:
        known: Any = error.schema["properties"] if isinstance(error.schema, Mapping) else {}
        unknown = [name for name in instance if name not in known]
        return [Fault(f"{path}/{pointer(name)}", "is not a field of this format") for name in unknown]
    return [Fault(path, _sentence(str(error.validator), wanted, instance))]


def _sentence(rule: str, wanted: Any, instance: Any) -> str:
    """Say in plain English what a schema keyword wants."""
    match rule:
        case "type":
            names = " or ".join(_TYPES[name] for name in ([wanted] if isinstance(wanted, str) else wanted))
            hint = "; put it in quotes" if wanted == "string" and isinstance(instance, int | float) else ""
            return f"must be {names}{hint}"
        case "enum":
            return f"must be one of {', '.join(str(value) for value in wanted)}"
        case "minimum":
            return f"must be {wanted} or more"
        case "exclusiveMinimum":
            return f"must be more than {wanted}"
        case "maximum":
            return f"must be {wanted} or less"
        case "minLength" | "minItems" | "minProperties":
            return "must not be empty"
        case "maxLength":
            return f"must be {wanted} characters at most"
        case "maxItems" | "maxProperties":
            return f"must hold {wanted} at most"
        case "uniqueItems":
            return "names something more than once"
        case "pattern":
            return f"must match {wanted}"
        case _:
            return f"breaks the rule {rule}"


def _day_faults(document: Any) -> list[Fault]:
    days = (
        ("/effective/from", document["effective"]["from"]),
        ("/effective/to", document["effective"]["to"]),
        ("/review_date", document["review_date"]),
    )
    return [Fault(path, "is not a day of the calendar between 1970 and 2199") for path, day in days if not _is_day(day)]


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).year in _YEARS
    except ValueError:
        return False
