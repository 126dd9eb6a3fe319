"""What a query asked for, without its values: the names of its keys, and the patient or study it was about.

A query travels in an audit message as base64: of the raw HTTP request (BALP), of a query string, or of the DICOM data
set of a C-FIND (PS3.15 A.5.3.10). Its values identify, so only key names are kept.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}|[0-9A-Fa-f]{8}")
_PATIENT = frozenset({"PatientID", "patientID", "patientId", "00100020", "patient.identifier", "patient"})
_STUDY = frozenset({"StudyInstanceUID", "studyUID", "0020000D", "study"})
_STUDY_PATH = re.compile(r"/studies/([0-9.]{1,64})")
_LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_ELEMENTS = 200  # keys read of one query
_UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class QueryShape:
    """The names a query used, in order, and the identifiers it searched by, if any."""

    names: tuple[str, ...] = ()
    patient: str | None = None
    study: str | None = None


def query_shape(raw: bytes) -> QueryShape:
    """Read a query; one that cannot be read has an empty shape."""
    elements = _data_set(raw)
    return _shape(elements) if elements else _text_shape(raw)


def _text_shape(raw: bytes) -> QueryShape:
    text = raw.decode("utf-8", "replace")
    target = next((word for word in reversed(text.split()) if "=" in word), "")
    pairs = parse_qsl(target.rpartition("?")[2], max_num_fields=None)[:_ELEMENTS]
    shape = _shape(pairs)
    in_path = _STUDY_PATH.search(text)
    return shape if shape.study or not in_path else QueryShape(shape.names, shape.patient, in_path[1])


def _shape(pairs: list[tuple[str, str]]) -> QueryShape:
    names = tuple(dict.fromkeys(name for name, _ in pairs if _NAME.fullmatch(name)))
    patient = next((value for name, value in pairs if name in _PATIENT and value), None)
    study = next((value for name, value in pairs if name in _STUDY and value), None)
    return QueryShape(names, patient, study)


def _data_set(raw: bytes) -> list[tuple[str, str]]:
    """Read a little-endian DICOM data set, explicit or implicit; empty when the bytes are neither."""
    body = raw[132:] if raw[128:132] == b"DICM" else raw
    return _elements(body, explicit=True) or _elements(body, explicit=False)


def _elements(body: bytes, *, explicit: bool) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, last = 0, -1
    while at < len(body):
        header = _header(body, at, explicit)
        if header is None or header[0] <= last or len(found) == _ELEMENTS:
            return []
        last, start, length = header
        if length == _UNDEFINED:  # a sequence of undefined length: its keys are not looked into
            length = body.find(b"\xfe\xff\xdd\xe0\0\0\0\0", start) - start + 8
        if length < 0 or start + length > len(body):
            return []
        value = body[start : start + length].strip(b"\0 ") if length <= 64 else b""
        found.append((f"{last:08X}", value.decode("ascii", "replace")))
        at = start + length
    return found


def _header(body: bytes, at: int, explicit: bool) -> tuple[int, int, int] | None:
    """Give tag, offset of the value and its length (PS3.5 section 7.1)."""
    if at + 8 > len(body):
        return None
    tag = int.from_bytes(body[at : at + 2], "little") << 16 | int.from_bytes(body[at + 2 : at + 4], "little")
    if not explicit:
        return tag, at + 8, int.from_bytes(body[at + 4 : at + 8], "little")
    representation = body[at + 4 : at + 6]
    if not representation.isalpha() or not representation.isupper():
        return None
    if representation in _LONG:
        return (tag, at + 12, int.from_bytes(body[at + 8 : at + 12], "little")) if at + 12 <= len(body) else None
    return tag, at + 8, int.from_bytes(body[at + 6 : at + 8], "little")
