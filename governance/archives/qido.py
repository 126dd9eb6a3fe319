"""The archives' own DICOMweb services, asked for lists (QIDO-RS, DICOM PS3.18 section 10.6), and trusted with nothing.

1. The address and the credential are the operator's (settings); nothing of a caller's is sent but checked parameters.
2. The outbound client asks: no redirect, proxy or ``.netrc`` is followed, an answer is bounded in bytes and in seconds.
3. An answer that cannot be judged whole is refused whole: another media type, bad JSON, a name given twice, a row
   without one study, more rows than were asked for.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

from governance.errors import NotFound, Unavailable
from governance.outbound import Answer, CallOutcome, CallPurpose, Outbound, OutboundFailed
from governance.telemetry import get_logger
from governance.vocabulary import study_uid

Dataset: TypeAlias = dict[str, Any]  # DICOM JSON (PS3.18 section F)
STUDY, SERIES, INSTANCE = "0020000D", "0020000E", "00080018"
MEDIA_TYPES = ("application/dicom+json", "application/json")
_TAG = re.compile(r"[0-9A-F]{8}")
_STRANGE = frozenset(  # the archive answered, in a way that cannot be judged
    {CallOutcome.REDIRECTED, CallOutcome.TOO_LONG, CallOutcome.UNREADABLE}
)
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ArchiveAddress:
    """Where an archive's DICOMweb service is, and the user and password it asks for (HTTP Basic)."""

    url: str
    credential: tuple[str, str] | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list: the study it is of, the UID at the list's own level, and all that the archive says of it."""

    study_uid: str
    own_uid: str
    dataset: Dataset


class DicomwebArchives:
    """Asks archives by their client ids.

    Args:
        addresses: where each archive's service is.
        outbound: the client that asks.
    """

    def __init__(self, addresses: Mapping[str, ArchiveAddress], outbound: Outbound) -> None:
        self._addresses = addresses
        self._outbound = outbound

    def rows(
        self, archive: str, path: str, parameters: Sequence[tuple[str, str]], level: str, limit: int, offset: int
    ) -> list[Row]:
        """Ask for one page of a list.

        Args:
            archive: its client id.
            path: below its DICOMweb service, such as ``/studies``.
            parameters: checked matching keys and options.
            level: the tag of the UID that distinguishes the rows.
            limit: rows at most.
            offset: rows to leave out before.

        Raises:
            NotFound: no such archive is set up.
            Unavailable: it does not answer, or not as it should.
        """
        address = self._addresses.get(archive)
        if address is None:
            raise NotFound("archive.unknown", "No lists of this archive are given here.")
        asked = [*parameters, ("includefield", STUDY), ("limit", str(limit)), ("offset", str(offset))]
        try:
            answer = self._outbound.get(
                CallPurpose.QIDO,
                address.url + path,
                accept=MEDIA_TYPES[0],
                parameters=asked,
                credential=address.credential,
            )
        except OutboundFailed as failed:
            _log.warning("archive's list not had", archive=archive, why=failed.outcome.value)
            if failed.outcome in _STRANGE:
                raise _strange() from None
            raise Unavailable("archive.unavailable", "The archive does not answer. It can be tried again.") from failed
        found = _read(_body(answer), level)
        if len(found) > limit:
            raise _strange()
        return found


def _body(answer: Answer) -> bytes:
    if answer.status == HTTPStatus.NO_CONTENT:
        return b"[]"
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    plain = answer.headers.get("Content-Encoding", "identity") == "identity"
    if answer.status != HTTPStatus.OK or kind not in MEDIA_TYPES or not plain:
        raise _strange()
    return answer.body


def _read(body: bytes, level: str) -> list[Row]:
    try:
        rows = json.loads(body, object_pairs_hook=_once, parse_constant=_no_constant)
        return [_row(dataset, level) for dataset in rows] if isinstance(rows, list) else _not_rows()
    except (KeyError, RecursionError, TypeError, UnicodeDecodeError, ValueError) as error:
        raise _strange() from error


def _row(dataset: Dataset, level: str) -> Row:
    if not isinstance(dataset, dict) or not all(_TAG.fullmatch(tag) for tag in dataset):
        raise ValueError("a row is no DICOM JSON")
    return Row(_uid(dataset, STUDY), _uid(dataset, level), dataset)


def _uid(dataset: Dataset, tag: str) -> str:
    (value,) = dataset[tag]["Value"]
    if dataset[tag]["vr"] != "UI":
        raise ValueError("a UID is of another kind")
    return study_uid(value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name is given twice")
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _not_rows() -> list[Row]:
    raise ValueError("no list")


def _strange() -> Unavailable:
    return Unavailable("archive.answer", "The archive's answer cannot be judged, and nothing of it is shown.")
