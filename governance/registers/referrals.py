"""A referral about a third trust's study: it counts once both its ends have said the same of it.

Its ends are the trust that refers, ``ods``, and the trust that employs ``subject``. One that only one end has told of
is kept as that end's word and waits. When an end says something else, the two agree no longer, and it counts no more.
The custodian of the study needs nobody's word but its own, and may replace such a referral.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

from sqlmodel import Session

from governance.catalogue import Study
from governance.errors import Fault
from governance.federation import FederationDirectory, StaffMember, chosen
from governance.registers.lines import Ruling
from governance.registers.writers import Writer
from governance.relationships import Edge, Relationships
from governance.vocabulary import RelationshipKind

WAITS = "the other end of the referral has not sent the same"
Rule = Callable[[Edge, Edge | None], Ruling | None]


class Referrals:
    """Rules on referrals of two ends.

    Args:
        relationships: keeps what each end says.
        federation: knows who employs whom.
    """

    def __init__(self, relationships: Relationships, federation: FederationDirectory) -> None:
        self._relationships = relationships
        self._federation = federation

    def rule(
        self, session: Session, writer: Writer, edges: Collection[Edge], known: Callable[[Edge], Study | None]
    ) -> Rule:
        """Make the rule for some edges of a writer: it gives None for an edge that is no such referral.

        Args:
            session: the write transaction.
            writer: who sends them.
            edges: those sent and those on file, so that what the rule needs is read in one go.
            known: gives the study an edge names, as the catalogue has it.
        """
        referrals = {edge.id for edge in edges if edge.kind is RelationshipKind.REFERRAL}
        referred = [edge for edge in edges if edge.id in referrals]  # a line may leave out what is on file
        staff = self._federation.staff_many(session, {edge.subject for edge in referred})
        words = self._relationships.referral_words(session, {edge.id for edge in referred})

        def rule(row: Edge, filed: Edge | None) -> Ruling | None:
            study = known(row)
            if row.kind is not RelationshipKind.REFERRAL or study is None or writer.for_one_of(study.custodians):
                return None
            ends = _ends(row, _meant(row, staff.get(row.subject, ())))
            said_by = [ods for ods in sorted(ends) if writer.for_one_of([ods])]
            if len(ends) < 2 or not said_by:
                return None
            return self._say(session, row, filed, words.setdefault(row.id, {}), ends, said_by)

        return rule

    def _say(
        self,
        session: Session,
        row: Edge,
        filed: Edge | None,
        words: dict[str, Edge],
        ends: frozenset[str],
        said_by: list[str],
    ) -> Ruling:
        """Keep what an end says, and see whether the other says the same."""
        theirs = filed is None or filed.ods in said_by or any(_same(filed, words.get(ods)) for ods in said_by)
        if not theirs:
            return Ruling((Fault("/id", "is on file as another trust's relationship"),))
        for ods in said_by:
            self._relationships.upsert_referral_word(session, row, ods)
            words[ods] = row
        if all(_same(row, words.get(ods)) for ods in ends):
            return Ruling()
        if filed is not None:
            self._relationships.withdraw_edge(session, row.id)
        return Ruling(waits=WAITS)


def _meant(row: Edge, called: tuple[StaffMember, ...]) -> StaffMember | None:
    """Give whom of the staff a referral names: its issuer's, else its own trust's, else the only one of that name."""
    if row.named_by is not None:
        return chosen(called, None, row.named_by)
    return chosen(called, row.ods) or chosen(called, None)


def _ends(row: Edge, member: StaffMember | None) -> frozenset[str]:
    return frozenset({row.ods} if member is None else {row.ods, member.ods})


def _same(one: Edge, other: Edge | None) -> bool:
    """Say whether two ends say the same of a referral, each from a system of its own."""
    return other is not None and replace(one, source="") == replace(other, source="")
