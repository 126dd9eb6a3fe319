"""A list of studies for one subject: the filter, and all that it has to know of each study.

1. What is known of subject, purpose and circumstances is gathered once, the filter asked for once. After that a study
   costs a look at its fields: no engine and no network is asked about it.
2. The catalogue narrows: where the filter speaks of what the catalogue holds, that becomes the condition of a query.
   Where it speaks of ties, the subject's ties on file say whose studies to look through; where it speaks of a patient's
   opt-out, it is taken for met. So a query may find too many studies, and never too few.
3. :meth:`Listing.permits` then holds each to the whole filter, and weighs the obligations of the clause that opens it
   as a decision does: an obligation that nobody can honour closes the study, whichever other clause might open it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from governance.agreements import PolicyData
from governance.catalogue import (
    ALWAYS,
    NEVER,
    Compare,
    Condition,
    Either,
    Every,
    Row,
    Scalar,
    Study,
    StudyQuery,
    Unless,
    either,
    every,
)
from governance.decisions.filters import StudyFilter
from governance.decisions.obligations import Obligation, unsupported
from governance.relationships import Edge, KnownPatient

_HELD = frozenset({"study.body_part", "study.custodian", "study.label", "study.modality"})  # by the catalogue
_BEFORE = "study.age_days_before_"


@dataclass(frozen=True)
class Listing:
    """Which studies a subject may be shown.

    ``ties`` are the subject's own and its teams', valid ``at`` the instant of the request; ``today`` is its civil day.
    ``patient`` (``p-…``) narrows the list to one patient. ``supported`` are the obligation types that can be honoured,
    None when nobody said.
    """

    filter: StudyFilter
    data: PolicyData
    ties: Sequence[Edge]
    at: datetime
    today: date
    patient: str | None = None
    supported: frozenset[str] | None = None
    _index: Mapping[tuple[str, str], list[Edge]] = field(init=False)

    def __post_init__(self) -> None:
        index: dict[tuple[str, str], list[Edge]] = {}
        for tie in self.ties:
            index.setdefault(_leads_to(tie), []).append(tie)
        object.__setattr__(self, "_index", index)

    def permits(self, study: Study, context: KnownPatient | None) -> bool:
        """Say whether a study may be shown; ``context`` is what is known of its patient."""
        if self.patient is not None and study.patient != self.patient:
            return False
        key = self.filter.clause_of(self._row(study, context))
        if key is None:
            return False
        stated = self.data.document["clauses"][key]["obligations"]
        return not unsupported([Obligation(key, one["type"], {}) for one in stated], self.supported)

    def queries(self) -> tuple[StudyQuery, ...]:
        """Give the queries by which the catalogue finds every study that may be shown, and perhaps more."""
        open_to_all, tied = self._narrowed(tied=False), self._narrowed(tied=True)
        names = {kind: sorted({name for of, name in self._index if of == kind}) for kind in _KINDS}
        found = [
            StudyQuery(open_to_all, self.today),
            StudyQuery(tied, self.today, custodians=names["ods"]),
            StudyQuery(tied, self.today, patients=names["patient"]),
            StudyQuery(tied, self.today, studies=names["study"]),
        ]
        return tuple(query for query in found if query.can_match)

    def _row(self, study: Study, context: KnownPatient | None) -> Row:
        age = (self.today - study.study_date).days
        ties = [
            *self._index.get(("patient", study.patient), ()),
            *self._index.get(("study", study.study), ()),
            *(tie for ods in study.custodians for tie in self._index.get(("ods", ods), ())),
        ]
        row: dict[str, list[Scalar]] = {
            "study.custodian": list(study.custodians),
            "study.modality": [study.modality],
            "study.body_part": [study.body_part] if study.body_part is not None else [],
            "study.label": sorted(study.labels),
            "study.age_days": [age],
            "study.opt_out": [context.opt_out] if context is not None and context.opt_out is not None else [],
            "study.tie": [tie.kind.value for tie in ties],
            "study.own_tie": [tie.kind.value for tie in ties if tie.study == study.study],
        }
        for tie in ties:
            row.setdefault(f"{_BEFORE}{tie.kind.value}", []).append(age - self._age(tie))
        return row

    def _narrowed(self, *, tied: bool) -> Condition:
        """Say the filter in terms of the catalogue: as if a tie leads to each study, or as if none does."""
        oldest: dict[str, int] = {}
        for tie in self.ties if tied else ():
            oldest[tie.kind.value] = max(oldest.get(tie.kind.value, 0), self._age(tie))

        def part(compare: Compare) -> Condition:
            if compare.field in _HELD or (compare.field == "study.age_days" and compare.operator == "lte"):
                return compare
            if compare.field in {"study.tie", "study.own_tie"}:
                return ALWAYS if tied else NEVER
            if compare.field.startswith(_BEFORE):
                return _older(compare, oldest.get(compare.field.removeprefix(_BEFORE)))
            return ALWAYS

        return either(_rewritten(condition, part) for condition in self.filter.clauses.values())

    def _age(self, tie: Edge) -> int:
        return (self.at - tie.valid_from).days


_KINDS = ("ods", "patient", "study")


def _leads_to(tie: Edge) -> tuple[str, str]:
    """Say what a tie leads to: its patient before all, then its study, else the whole of its trust's list."""
    if tie.patient is not None:
        return "patient", tie.patient
    return ("study", tie.study) if tie.study is not None else ("ods", tie.ods)


def _older(compare: Compare, days: int | None) -> Condition:
    """Move a window back by the age of the oldest tie; without a tie of the kind nothing is within."""
    if days is None:
        return NEVER
    (bound,) = compare.values
    if compare.operator != "lte" or not isinstance(bound, int):
        return ALWAYS
    return Compare("study.age_days", "lte", (bound + days,))


def _rewritten(condition: Condition, part: Callable[[Compare], Condition]) -> Condition:
    """Put other words for the comparisons; what is negated stays only when it needs none."""
    match condition:
        case Compare():
            return part(condition)
        case Every(parts):
            return every(_rewritten(one, part) for one in parts)
        case Either(parts):
            return either(_rewritten(one, part) for one in parts)
        case Unless(negated):
            return condition if _rewritten(negated, part) == negated else ALWAYS
