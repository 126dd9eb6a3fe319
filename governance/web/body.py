"""Request bodies: read once, sized, typed, with every fault named by its path."""

import zlib
from collections.abc import Mapping
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from governance.errors import Fault, InvalidInput
from governance.feeds import NumberOutOfRange, NumberReader
from governance.feeds.numbers import MESSAGE
from governance.vocabulary.text import unkeepable
from governance.web.characters import refuse_at

Model = TypeVar("Model", bound=BaseModel)
DEFAULT_MAXIMUM = 1024 * 1024  # bytes
_ESCAPE = b"\\u"  # the only way in which JSON in UTF-8 can carry what no database keeps
_JSON = ("application/json",)
_GZIP = 16 + zlib.MAX_WBITS


def raw(maximum: int = DEFAULT_MAXIMUM) -> bytes:
    """Read the body, at most ``maximum`` bytes; 413 past it."""
    if request.content_length is not None and request.content_length > maximum:
        raise RequestEntityTooLarge(f"The body may be {maximum} bytes at most.")
    body = request.stream.read(maximum + 1)
    if len(body) > maximum:
        raise RequestEntityTooLarge(f"The body may be {maximum} bytes at most.")
    return body


def inflated(maximum: int, inflated_maximum: int) -> bytes:
    """Read a gzipped body (RFC 1952): 413 past either size, sent or unpacked; 400 when it is not whole."""
    inflater = zlib.decompressobj(wbits=_GZIP)
    try:
        data = inflater.decompress(raw(maximum), inflated_maximum + 1)
    except zlib.error:
        raise InvalidInput([Fault("", "not valid gzip")], "The body is not valid gzip.", "body.malformed") from None
    if len(data) > inflated_maximum:
        raise RequestEntityTooLarge(f"The body may be {inflated_maximum} bytes at most when it is unpacked.")
    if not inflater.eof or inflater.unused_data:
        raise InvalidInput([Fault("", "not one whole gzip member")], "The body is not valid gzip.", "body.malformed")
    return data


def json_value(maximum: int = DEFAULT_MAXIMUM, media_types: tuple[str, ...] = _JSON, *, parts: bool = False) -> Any:
    """Read a JSON body of any shape: 415 for another media type, 400 for broken JSON; ``parts`` as :func:`parsed`."""
    if request.mimetype not in media_types:
        raise UnsupportedMediaType(f"The body must be {' or '.join(media_types)}.")
    return parsed(raw(maximum), parts=parts)


def parsed(data: bytes, *, parts: bool = False) -> Any:
    """Read JSON in UTF-8 of any shape; 400 for anything else, and for a number or a text that nothing could hold.

    With ``parts`` such a number or text stays one: what holds many parts is judged part by part, and a bad one costs
    its neighbours nothing.
    """
    try:
        value = (_READER.read_all if parts else _READER.read)(data.decode("utf-8"))
        if not parts and _ESCAPE in data:
            check_texts(value)
    except NumberOutOfRange as error:
        raise InvalidInput([Fault(error.path, MESSAGE)], "A number in the body is out of range.") from None
    except (ValueError, RecursionError):
        raise InvalidInput(
            [Fault("", "not valid JSON in UTF-8")], "The body is not valid JSON.", "body.malformed"
        ) from None
    return value


def check_texts(value: Any) -> None:
    """Refuse a JSON value with a text that no database keeps; raises InvalidInput that names each."""
    refuse_at(unkeepable(value))


def json_object(
    maximum: int = DEFAULT_MAXIMUM, media_types: tuple[str, ...] = _JSON, *, parts: bool = False
) -> dict[str, Any]:
    """Read a JSON object: 415, 400 as :func:`json_value`, and 400 for any other JSON value."""
    value = json_value(maximum, media_types, parts=parts)
    if not isinstance(value, dict):
        raise InvalidInput(
            [Fault("", "a JSON object is needed here")], "The body is not a JSON object.", "body.malformed"
        )
    return value


def validated(model: type[Model], value: Mapping[str, Any] | None = None) -> Model:
    """Validate a mapping (the JSON body when none is given) against a schema; every fault is named by its pointer."""
    try:
        return model.model_validate(json_object() if value is None else value)
    except ValidationError as error:
        raise InvalidInput(faults_of(error), "The input does not have the right shape.") from None


def query(model: type[Model]) -> Model:
    """Validate the query parameters; an unknown or repeated one is a fault."""
    repeated = [
        Fault(f"/{name}", "given more than once") for name in request.args if len(request.args.getlist(name)) > 1
    ]
    if repeated:
        raise InvalidInput(repeated, "A query parameter is given more than once.")
    return validated(model, request.args.to_dict())


def faults_of(error: ValidationError) -> list[Fault]:
    """Turn pydantic's list into faults; the rejected value is never repeated."""
    return [
        Fault("/" + "/".join(str(part) for part in item["loc"]), item["msg"])
        for item in error.errors(include_input=False)
    ]


_READER = NumberReader()
