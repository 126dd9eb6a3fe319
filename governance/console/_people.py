"""Who may sign in, and where: what the federation says of trusts, providers and console accounts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from governance.console._scopes import scopes_of
from governance.errors import Forbidden, NotFound
from governance.federation import FederationDirectory, Person, Registered, person_name
from governance.inquiries import Identity, Inquiries
from governance.web.sessions import SignedInPerson
from governance.web.sign_in import ProvenIdentity


@dataclass(frozen=True, slots=True)
class SignInTrust:
    """A trust whose people can sign in, and the issuer they sign in at."""

    ods: str
    name: str
    issuer: str


def sign_in_trusts(federation: FederationDirectory, session: Session) -> tuple[SignInTrust, ...]:
    """Give every trust with an identity provider of its own, by name; a national provider opens the other trusts."""
    providers = federation.identity_providers(session)
    national = next((provider.issuer for provider in providers if provider.ods is None), None)
    own = {provider.ods: provider.issuer for provider in providers if provider.ods is not None}
    found = [
        SignInTrust(trust.ods, trust.name, issuer)
        for trust in federation.trusts(session)
        if (issuer := own.get(trust.ods, national)) is not None
    ]
    return tuple(sorted(found, key=lambda trust: trust.name))


def sign_in_trust_of(federation: FederationDirectory, session: Session, ods: str) -> SignInTrust:
    """Give where the people of one trust sign in; raises NotFound."""
    for trust in sign_in_trusts(federation, session):
        if trust.ods == ods:
            return trust
    raise NotFound("sign_in.trust_unknown", "This trust has no way to sign in.")


def account_of(federation: FederationDirectory, session: Session, issuer: str, subject: str) -> Person | None:
    """Give the console account of somebody, None without one that opens anything.

    An account counts only while the provider that proved the person may speak for the account's trust.
    """
    person = federation.person(session, issuer, subject)
    provider = federation.identity_provider(session, issuer)
    if person is None or provider is None or not provider.vouches_for(person.ods) or not scopes_of(person.roles):
        return None
    return person


def identity_of(federation: FederationDirectory, session: Session, issuer: str, pseudonym: str) -> Identity | None:
    """Give somebody who signed in as they are asked: by pseudonym, and in whose names it is one."""
    provider = federation.identity_provider(session, issuer)
    return None if provider is None else Identity(pseudonym, provider.names)


def asked_at(
    federation: FederationDirectory, inquiries: Inquiries, session: Session, issuer: str, pseudonym: str
) -> str | None:
    """Give the trust at which somebody was asked something that they may open now; None when they were not."""
    who, provider = identity_of(federation, session, issuer, pseudonym), federation.identity_provider(session, issuer)
    if who is None or provider is None:
        return None
    standing = federation.standing(session, Registered.PERSON, person_name(who.named_by, who.subject))
    found = inquiries.mine_in(session, who) if standing.in_force else ()
    return next((one.ods for one in found if provider.vouches_for(one.ods)), None)


def admit(
    federation: FederationDirectory,
    session: Session,
    identity: ProvenIdentity,
    at: datetime,
    asked: Callable[[Session, str, str], str | None],
) -> SignedInPerson:
    """Give the signed-in person of a proven identity; raises Forbidden for somebody without an account.

    Who was asked a question needs none: ``asked`` gives, by issuer and subject, the trust at which they were. They get
    no role.
    """
    person = account_of(federation, session, identity.issuer, identity.subject)
    trust = asked(session, identity.issuer, identity.subject) if person is None else None
    if person is None and trust is not None:
        return SignedInPerson(identity.issuer, identity.subject, trust, identity.name, frozenset(), at)
    if person is None:
        raise Forbidden(
            "sign_in.no_account",
            "Your trust knows you, but you have no account here. Ask your information governance lead for one.",
        )
    return SignedInPerson(
        issuer=identity.issuer,
        subject=identity.subject,
        ods=person.ods,
        name=identity.name,
        roles=person.roles,
        signed_in_at=at,
    )
