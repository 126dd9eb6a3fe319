"""Where members of staff are written to: an address each, sealed for its owner, apart from what decisions read.

1. The staff feed may bring an address (``contact``). It is sealed at once under the person's data key; erasing the
   person closes it for good.
2. It is no fact that anybody is judged by: it has no history, is in no digest of the log, and detection never sees it.
"""

from collections.abc import Sequence

from sqlmodel import Session

from governance.federation.contacts import _store as store
from governance.federation.people import StaffMember
from governance.pseudonyms import Vault

_ADDRESS = "contact"


class Contacts:
    """Keeps and opens addresses.

    Args:
        vault: seals them.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def keep(self, session: Session, staff: Sequence[StaffMember]) -> None:
        """Keep the addresses that members of staff came with; an empty one takes what is there away, None leaves it.

        Nothing is kept for somebody who was erased.
        """
        said = {(one.id, one.ods, one.issuer): one.contact for one in staff if one.contact is not None}
        given = [(place, address) for place, address in sorted(said.items()) if address]
        sealed = self._vault.seal_many(session, [(place[0], {_ADDRESS: address}) for place, address in given])
        kept = {place: text for (place, _), text in zip(given, sealed, strict=True) if text is not None}
        store.put(session, kept)
        store.remove(session, sorted(said.keys() - kept.keys()))

    def known(self, session: Session, member: StaffMember) -> bool:
        """Say whether there is an address of somebody, and it still opens."""
        return self.of(session, member) is not None

    def of(self, session: Session, member: StaffMember) -> str | None:
        """Open the address of a member of staff; None when there is none, or they were erased."""
        sealed = store.find(session, (member.id, member.ods, member.issuer))
        opened = None if sealed is None else self._vault.unseal(session, member.id, sealed)
        return None if opened is None else opened[_ADDRESS]
