"""As what a person holds ties: under their own name and their teams', apart from everybody else who is called the same.

Who decides, who replays decisions and who looks for wrong accesses ask the same question of federation and
relationships, so it is answered here once.
"""

from functools import partial

from sqlmodel import Session

from governance.federation import FederationDirectory, StaffMember
from governance.relationships import Holder, Relationships, TrustsNaming


def holders_of(
    federation: FederationDirectory,
    relationships: Relationships,
    member: StaffMember,
    session: Session,
    naming: TrustsNaming | None = None,
) -> tuple[Holder, ...]:
    """Give a member of staff and their teams as holders of edges.

    ``naming`` gives the trusts that have somebody or a team of some names, where the caller has read them already.
    """
    called = federation.namesakes(session, member.id)
    others = frozenset(one.ods for one in called if one.named_by != member.named_by)
    person = Holder(member.id, member.named_by, member.ods, others)
    return relationships.holders(person, member.team_ids, naming or partial(federation.trusts_naming, session))


def unknown_holder(
    federation: FederationDirectory,
    relationships: Relationships,
    name: str,
    ods: str | None,
    session: Session,
    naming: TrustsNaming | None = None,
) -> tuple[Holder, ...]:
    """Give somebody who is on no staff of the trust they are said to act for as a holder of edges."""
    others = frozenset(one.ods for one in federation.namesakes(session, name) if one.ods != ods)
    ask = naming or partial(federation.trusts_naming, session)
    return relationships.holders(Holder(name, ods, ods, others), (), ask)
