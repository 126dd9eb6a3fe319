"""ITI-81: the parameters of ``GET /fhir/AuditEvent``, read into a search of the log. Pure: no request, no database.

1. ``date`` needs a lower and an upper bound (ITI-81 section 3.81.4.1.2.1); a day, month or year alone is both.
2. A parameter that is not known is refused: an ignored filter would answer a wider question than was asked.
3. What the log has an index for becomes a query; the rest is checked on each event found.
4. Identifiers become pseudonyms here, and the links of an answer hold only those.
5. ``agent.identifier`` is a person's unless its system is this service's own; then it is used as the log has it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from governance.audit import Query, RecordedEvent
from governance.errors import Fault, InvalidInput
from governance.formats import AGREEMENT, DECISION, JTI, NHS_SYSTEM, TOKEN, is_pseudonym, patient_reference
from governance.pseudonyms import Pseudonymiser
from governance.vocabulary import Outcome

COUNT_DEFAULT = 50
COUNT_MAXIMUM = 500
OURS = "urn:imaging-governance:"
UID_SYSTEM = "urn:dicom:uid"

_NO_DATE = "must be a FHIR date with an optional prefix eq, ge, gt, le or lt"

Test = Callable[[RecordedEvent, dict[str, Any]], bool]
_DATE = re.compile(
    r"(eq|ge|gt|le|lt)?"
    r"((\d{4})(?:-(\d\d)(?:-(\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?)",
    re.ASCII,
)
_REPEATABLE = frozenset({"_lastUpdated", "date"})


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked: the query the log can answer, the tests for the rest, and the parameters as links repeat them."""

    query: Query
    tests: tuple[Test, ...]
    count: int
    newest_first: bool
    parameters: tuple[tuple[str, str], ...]
    only: int | None = None


def read_search(pairs: Sequence[tuple[str, str]], known: Pseudonymiser) -> Search:
    """Read the parameters in order; raises InvalidInput naming every one that cannot be taken."""
    reader = _Reader(known)
    faults: list[Fault] = []
    for number, (name, value) in enumerate(pairs):
        if name not in _REPEATABLE and any(name == other for other, _ in pairs[:number]):
            faults.append(Fault(f"/{name}", "is given more than once"))
            continue
        handler = _PARAMETERS.get(name)
        try:
            if handler is None:
                raise ValueError("is not a search parameter here")  # noqa: TRY301 - one way to name a parameter
            reader.kept.append((name, handler(reader, value) or value))
        except ValueError as problem:
            faults.append(Fault(f"/{name if handler else '?'}", str(problem)))
    if reader.query.since is None or reader.query.until is None:
        faults.append(Fault("/date", "needs a lower and an upper bound, such as date=ge2026-11-01&date=lt2026-12-01"))
    if faults:
        raise InvalidInput(faults, "The search cannot be taken.")
    return Search(reader.query, tuple(reader.tests), reader.count, reader.newest_first, tuple(reader.kept), reader.only)


class _Reader:
    """Gathers what the parameters say; each method takes a value and gives it as links may repeat it, if it changed."""

    def __init__(self, known: Pseudonymiser) -> None:
        self.known = known
        self.query = Query()
        self.tests: list[Test] = []
        self.kept: list[tuple[str, str]] = []
        self.count = COUNT_DEFAULT
        self.newest_first = True
        self.only: int | None = None

    def date(self, value: str) -> None:
        since, until = _interval(value)
        if since is not None and (self.query.since is None or since > self.query.since):
            self.query = replace(self.query, since=since)
        if until is not None and (self.query.until is None or until < self.query.until):
            self.query = replace(self.query, until=until)

    def last_updated(self, value: str) -> None:
        since, until = _interval(value)
        self.tests.append(
            lambda event, _: (
                (since is None or event.recorded_at >= since) and (until is None or event.recorded_at < until)
            )
        )

    def agent(self, value: str) -> str:
        system, identifier = _token(value)
        subject = identifier if system == f"{OURS}subject" else self.known.subject(identifier)
        self.query = replace(self.query, subject=subject)
        return f"{OURS}subject|{subject}"

    def patient(self, value: str) -> str:
        system, identifier = _token(value)
        assigners = [] if not system or system.startswith(OURS) else [system]
        reference = patient_reference(identifier, assigners, "")
        if reference is None or (system == NHS_SYSTEM and "^" in reference):
            raise ValueError("is not a patient's identifier")
        self.query = replace(self.query, patient=self.known.patient(reference))
        return f"{OURS}patient|{self.query.patient}"

    def entity(self, value: str) -> str:
        system, identifier = _token(value)
        if system in {NHS_SYSTEM, f"{OURS}patient"} or (is_pseudonym(identifier) and identifier.startswith("p-")):
            return self.patient(value)
        if system in {UID_SYSTEM, f"{OURS}study"} or identifier.startswith(("t-", "urn:oid:")):
            self.query = replace(self.query, study=self.known.study(identifier.removeprefix("urn:oid:")))
            return f"{OURS}study|{self.query.study}"
        if system == AGREEMENT:
            self.query = replace(self.query, agreement_id=identifier)
        elif system == DECISION:
            self.query = replace(self.query, decision_id=identifier)
        elif system == TOKEN or identifier.startswith(JTI):
            self.query = replace(self.query, token_jti=identifier.removeprefix(JTI))
        else:
            raise ValueError("needs a system this service knows: of patients, studies, agreements, decisions or tokens")
        return value

    def source(self, value: str) -> None:
        self.query = replace(self.query, source_id=_token(value)[1])

    def outcome(self, value: str) -> None:
        code = _token(value)[1]
        if code not in {"0", "4", "8", "12"}:
            raise ValueError("must be 0, 4, 8 or 12")
        self.query = replace(self.query, outcome=Outcome.from_dicom_code(int(code)))

    def type(self, value: str) -> None:
        self._coding(value, lambda resource: [resource["type"]])

    def subtype(self, value: str) -> None:
        self._coding(value, lambda resource: resource.get("subtype", []))

    def entity_type(self, value: str) -> None:
        self._coding(value, lambda resource: [each["type"] for each in resource.get("entity", [])])

    def entity_role(self, value: str) -> None:
        self._coding(value, lambda resource: [each["role"] for each in resource.get("entity", []) if "role" in each])

    def address(self, value: str) -> None:
        wanted = value.casefold()
        self.tests.append(
            lambda _, resource: any(
                each.get("network", {}).get("address", "").casefold().startswith(wanted) for each in resource["agent"]
            )
        )

    def identifier(self, value: str) -> None:
        if not value.isascii() or not value.isdigit() or len(value) > 18:
            raise ValueError("is not the id of an AuditEvent")
        self.only = int(value)

    def counted(self, value: str) -> None:
        if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= COUNT_MAXIMUM or len(value) > 9:
            raise ValueError(f"must be 1 to {COUNT_MAXIMUM}")
        self.count = int(value)

    def sorted(self, value: str) -> None:
        if value not in {"_lastUpdated", "-_lastUpdated"}:
            raise ValueError("may be _lastUpdated or -_lastUpdated")
        self.newest_first = value.startswith("-")

    def format(self, value: str) -> None:
        if value not in {"json", "application/json", "application/fhir+json"}:
            raise ValueError("may be json")

    def _coding(self, value: str, codings: Callable[[dict[str, Any]], list[dict[str, str]]]) -> None:
        wanted = [_token(each) for each in value.split(",")]
        self.tests.append(
            lambda _, resource: any(
                code == each["code"] and system in {"", each.get("system", "")}
                for each in codings(resource)
                for system, code in wanted
            )
        )


_PARAMETERS: dict[str, Callable[[_Reader, str], str | None]] = {
    "_count": _Reader.counted,
    "_format": _Reader.format,
    "_id": _Reader.identifier,
    "_lastUpdated": _Reader.last_updated,
    "_sort": _Reader.sorted,
    "address": _Reader.address,
    "agent.identifier": _Reader.agent,
    "date": _Reader.date,
    "entity-role": _Reader.entity_role,
    "entity-type": _Reader.entity_type,
    "entity.identifier": _Reader.entity,
    "outcome": _Reader.outcome,
    "patient.identifier": _Reader.patient,
    "source.identifier": _Reader.source,
    "subtype": _Reader.subtype,
    "type": _Reader.type,
}
PARAMETERS = tuple(_PARAMETERS)


def _token(value: str) -> tuple[str, str]:
    """Read a token (``system|value`` or ``value``); raises ValueError for an empty value."""
    system, _, identifier = value.rpartition("|")
    if not identifier:
        raise ValueError("needs a value")
    return system, identifier


def _interval(value: str) -> tuple[datetime | None, datetime | None]:
    """Give the bounds a date parameter sets: from (included) and to (excluded), FHIR R4 section 3.1.1.4.7."""
    match = _DATE.fullmatch(value.replace(" ", "+"))  # a plus sign that nobody escaped
    if match is None:
        raise ValueError(_NO_DATE)
    prefix, written, year, month, day, clock, seconds, fraction = match.groups()
    try:
        if clock:
            start = datetime.fromisoformat(written)
            start = start.replace(tzinfo=start.tzinfo or UTC)
            steps = ((fraction, timedelta(microseconds=1)), (seconds, timedelta(seconds=1)))
            end = start + next((step for part, step in steps if part), timedelta(minutes=1))
        else:
            start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
            end = _end(start, month is not None, day is not None)
    except (ValueError, OverflowError):
        raise ValueError(_NO_DATE) from None
    since = {"gt": end, "le": None, "lt": None}.get(prefix or "eq", start)
    until = {"ge": None, "gt": None, "lt": start}.get(prefix or "eq", end)
    return since, until


def _end(start: datetime, has_month: bool, has_day: bool) -> datetime:
    if has_day:
        return start + timedelta(days=1)
    if has_month:
        return (start + timedelta(days=31)).replace(day=1)
    return start.replace(year=start.year + 1)
