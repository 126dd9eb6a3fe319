"""Explicit acts on a study: its labels and its custodians, set as a whole by whoever they belong to.

A feed only adds. What makes a study less protected, or takes it from who answers for it, is done here, one study at a
time, and the log keeps what it was before and after.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from sqlmodel import Session

from governance.audit.event import Resource
from governance.catalogue import CUSTODIANS_MAXIMUM, LABELS_MAXIMUM, Catalogue, Study, read_label
from governance.clock import Clock
from governance.errors import Fault, InvalidInput, NotFound
from governance.federation import FederationDirectory
from governance.registers import claims
from governance.registers.changes import Change, Changes, Made
from governance.registers.feeds import matter
from governance.registers.writers import Claim, Writer, require_own
from governance.vocabulary import Scope


class StudyActs:
    """Sets the labels and the custodians of studies.

    Every method raises NotFound when the study is not on file, Forbidden when it is not the writer's to change so, and
    InvalidInput with every fault of what is to be set.

    Args:
        changes: makes each act one transaction with its record.
        catalogue: holds studies.
        federation: knows the organisations.
        clock: read once in each act.
    """

    def __init__(
        self, *, changes: Changes, catalogue: Catalogue, federation: FederationDirectory, clock: Clock
    ) -> None:
        self._changes = changes
        self._catalogue = catalogue
        self._federation = federation
        self._clock = clock

    def labels(self, writer: Writer, study_uid: str, labels: Sequence[str]) -> Study:
        """Set the labels of a study: each custodian may add one, and all of them together take one away."""
        _bound("labels", labels, LABELS_MAXIMUM)
        _refuse("labels", labels, _no_label)

        def act(_session: Session, filed: Study) -> tuple[Study, Iterable[Claim]]:
            wanted = frozenset(labels)
            return replace(filed, labels=wanted), claims.labels(filed, wanted)

        return self._set(writer, study_uid, "labels", act)

    def custodians(self, writer: Writer, study_uid: str, custodians: Sequence[str]) -> Study:
        """Set who answers for a study: each custodian may name another organisation, and gives up itself alone.

        Nobody is no owner, and no owner is no access.
        """
        _bound("custodians", custodians, CUSTODIANS_MAXIMUM)

        def act(session: Session, filed: Study) -> tuple[Study, Iterable[Claim]]:
            def unknown(ods: str) -> str | None:
                known = ods in filed.custodians or self._federation.trust(session, ods) is not None
                return None if known else "is not a registered organisation"

            _refuse("custodians", custodians, unknown)
            wanted = tuple(dict.fromkeys(custodians))
            return replace(filed, custodians=wanted), claims.custodians(filed, wanted)

        return self._set(writer, study_uid, "custodians", act)

    def _set(
        self,
        writer: Writer,
        study_uid: str,
        member: str,
        act: Callable[[Session, Study], tuple[Study, Iterable[Claim]]],
    ) -> Study:
        """Set a member of a study; ``act`` gives the study as it is to be, and whose that is to say."""

        def write(session: Session) -> Made[Study]:
            filed = self._catalogue.studies(session, [study_uid]).get(study_uid)
            if filed is None:
                raise NotFound("study.unknown", "There is no study with this UID on file.")
            wanted, claimed = act(session, filed)
            require_own(writer, claimed)
            self._catalogue.upsert(session, [wanted])
            told = {"before": _listed(filed, member), "after": _listed(wanted, member)}
            resource = Resource(study_uid=study_uid, custodian=next(iter(filed.custodians), None))
            return Made(wanted, {"changed": member, **told}, resource)

        return self._changes.make(Change(writer, Scope.CONTEXT_WRITE, matter("studies"), self._clock.now()), write)


def _listed(study: Study, member: str) -> list[str]:
    """Give the values of a member for the log: custodians in their order, labels by name."""
    values: Iterable[str] = getattr(study, member)
    return sorted(values) if isinstance(values, frozenset) else list(values)


def _bound(member: str, values: Sequence[str], most: int) -> None:
    if len(values) > most:
        raise InvalidInput([Fault(f"/{member}", f"must be a list of at most {most}")])


def _refuse(member: str, values: Sequence[str], faulty: Callable[[str], str | None]) -> None:
    found = [(place, faulty(value)) for place, value in enumerate(values)]
    faults = [Fault(f"/{member}/{place}", message) for place, message in found if message is not None]
    if faults:
        raise InvalidInput(faults)


def _no_label(label: str) -> str | None:
    try:
        read_label(label)
    except ValueError as problem:
        return str(problem)
    return None
