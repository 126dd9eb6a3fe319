"""Whom a client may ask about, and whose word counts for what is said of a person: the one place that says so.

Every endpoint that decides passes its question through here first: evaluations, searches, access requests, exchanges
and the lists of archives. Decision 0012 says what was refused.

1. A client asks about people and services of its own trust, about those of trusts that its registration names
   (``asks_for``), and about the subject of a token it presents. Of anybody else the answer is the same whether they
   exist or not: ``asker.not_entitled`` where the question names their trust, otherwise ``subject.unknown``.
2. Organisation and role are those of the token, else those of the staff register. What the question says of them may
   repeat them; anything else leaves the subject without them, so that no clause covers it. Of people who are called the
   same, a question means the one of the trust or the issuer it names, else the asker's own, else the only one.
3. Assurance and device count from the token, else from a client registered to attest them (``attests``), of its own
   trust's people. A service of the office, which runs the network and has no patients' staff of its own, attests for
   the people its registration names. What anybody else says can lower what is known and never raise it.
4. The version of an AI service is what it is registered to run; another that is said is looked at, and not approved.

It reads the caller's snapshot alone and waits for nothing, so the event loop may use it.
"""

from dataclasses import replace

from sqlmodel import Session

from governance.access.asker import Asker
from governance.decisions import AccessRequest, ProvenSubject, RequestSubject
from governance.federation import FederationDirectory, ServiceClient, StaffMember, chosen
from governance.pseudonyms import Pseudonymiser
from governance.vocabulary import Attestation, ReasonCode, SubjectType


class ActingSubjects:
    """Turns a question as it was asked into the question that is decided.

    Args:
        federation: knows the registrations and the staff.
        pseudonymiser: finds staff by their identifiers.
        office: the organisation that runs the network.
    """

    def __init__(self, federation: FederationDirectory, pseudonymiser: Pseudonymiser, office: str) -> None:
        self._federation = federation
        self._pseudonymiser = pseudonymiser
        self._office = office

    def settle(self, request: AccessRequest, asker: Asker, session: Session) -> AccessRequest:
        """Give the request with what is known of its subject put in the place of what was said, or with its refusal.

        Args:
            request: as it was asked; ``token_subject`` is whom a verified token is about.
            asker: who asks.
            session: a read snapshot.
        """
        client, said = self._federation.client(session, asker.id), request.subject
        if client is None:
            return _refused(request)
        if request.token_subject is not None:
            return replace(request, subject=self._proven(said, request.token_subject, client))
        if said.ods is not None and not client.may_ask_about(said.ods):
            return _refused(request)
        if said.type is SubjectType.PRACTITIONER:
            return replace(request, subject=self._member(said, client, session))
        return replace(request, subject=self._service(said, client, session))

    def reaches(self, asker: Asker, ods: str, session: Session) -> bool:
        """Say whether a client may ask about the people and services of an organisation."""
        client = self._federation.client(session, asker.id)
        return client is not None and client.may_ask_about(ods)

    def _proven(self, said: RequestSubject, token: ProvenSubject, client: ServiceClient) -> RequestSubject:
        """Take the subject of a token; it names organisation and role."""
        assurance, device = token.assurance, token.managed_device
        if assurance is None and self._attests(client, Attestation.ASSURANCE, token.ods):
            assurance = said.assurance
        if device is None and self._attests(client, Attestation.DEVICE, token.ods):
            device = said.managed_device
        return replace(
            said,
            id=token.id,
            type=token.type,
            role=_agreed(said.role, token.role),
            ods=_agreed(said.ods, token.ods),
            named_by=token.named_by,
            assurance=_lower(assurance, said.assurance),
            managed_device=_stricter(device, said.managed_device),
            proven=True,
        )

    def _member(self, said: RequestSubject, client: ServiceClient, session: Session) -> RequestSubject:
        """Take a member of staff by the register; who is none that the client may ask about stays unknown."""
        member = self._chosen(said, client, session)
        if member is None:
            return replace(said, ods=said.ods or client.ods, assurance=None, managed_device=None)
        assured = self._attests(client, Attestation.ASSURANCE, member.ods)
        managed = self._attests(client, Attestation.DEVICE, member.ods)
        return replace(
            said,
            role=_agreed(said.role, member.role),
            ods=member.ods,
            named_by=member.named_by,
            assurance=said.assurance if assured else None,
            managed_device=_stricter(said.managed_device if managed else None, said.managed_device),
        )

    def _chosen(self, said: RequestSubject, client: ServiceClient, session: Session) -> StaffMember | None:
        """Choose the member of staff that a question means among those of one name: its own trust's first."""
        called = self._federation.namesakes(session, self._pseudonymiser.subject(said.id))
        reached = [one for one in called if client.may_ask_about(one.ods)]
        named_by = said.named_by
        if named_by is not None and not any(one.named_by == named_by for one in called):
            named_by = self._names(named_by, session)
        if said.ods is not None:
            return chosen(reached, said.ods, named_by)
        return chosen(reached, client.ods, named_by) or chosen(reached, None, named_by)

    def _names(self, issuer: str, session: Session) -> str:
        """Give in whose names the subjects of an issuer are; what is no issuer's says it already."""
        provider = self._federation.identity_provider(session, issuer)
        return provider.names if provider is not None else issuer

    def _service(self, said: RequestSubject, client: ServiceClient, session: Session) -> RequestSubject:
        """Take a service by the register; one that the client may not ask about stays unknown."""
        registered = self._federation.client(session, said.id)
        if registered is None or not client.may_ask_about(registered.ods):
            return replace(said, ods=said.ods or client.ods)
        return replace(said, ods=said.ods or registered.ods)

    def _attests(self, client: ServiceClient, what: Attestation, ods: str | None) -> bool:
        """Say whether a client's word on this counts for people of an organisation."""
        own = ods == client.ods or (client.ods == self._office and client.may_ask_about(ods))
        return own and what in client.attests


def _refused(request: AccessRequest) -> AccessRequest:
    return replace(request, refusal=ReasonCode.ASKER_NOT_ENTITLED)


def _agreed(said: str | None, known: str | None) -> str | None:
    """Give what is known, unless something else was said."""
    return known if said in {None, known} else None


def _lower(known: int | None, said: int | None) -> int | None:
    """Give the lower of what is known and what was said; what is not known stays so."""
    return known if known is None or said is None else min(known, said)


def _stricter(known: bool | None, said: bool | None) -> bool | None:
    """Give what is known of a device, unless it was said that nobody manages it."""
    return False if said is False else known
