"""What a well-formed agreement must also mean: checks across fields, each fault named by its path.

The rules come from the domain: direct care never asks the opt-out, an override is notified and reviewed, a token of an
AI service is for one study and for seconds, implied consent reaches no further than direct care.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

from governance.agreements.model import Agreement, AiService, Clause
from governance.errors import Fault
from governance.vocabulary import Label, PartyRole, Purpose

DIRECT_CARE = frozenset({Purpose.BTG, Purpose.CAREMGT, Purpose.ETREAT, Purpose.TREAT})
_BEYOND_IMPLIED_CONSENT = frozenset({Purpose.HRESCH, Purpose.PUBHLTH})
_EMERGENCY = frozenset({Purpose.BTG, Purpose.ETREAT, Purpose.TREAT})
AI_TOKEN_SECONDS = 60
EVERY = "*"


def semantic_faults(agreement: Agreement) -> list[Fault]:
    """List everything in a well-formed agreement that contradicts itself or the domain's rules, in document order."""
    return list(
        chain(
            _party_faults(agreement),
            _direction_faults(agreement),
            _date_faults(agreement),
            _repeated(tuple(clause.id for clause in agreement.clauses), "/clauses", "id"),
            *(
                chain(_clause_faults(clause, f"/clauses/{n}"), _basis_faults(agreement, clause, f"/clauses/{n}"))
                for n, clause in enumerate(agreement.clauses)
            ),
        )
    )


def _party_faults(agreement: Agreement) -> Iterator[Fault]:
    yield from _repeated(tuple(party.ods for party in agreement.parties), "/parties", "ods")
    if not any(party.role is not PartyRole.PROCESSOR for party in agreement.parties):
        yield Fault("/parties", "needs a party that is controller or joint controller")


def _direction_faults(agreement: Agreement) -> Iterator[Fault]:
    for n, ods in enumerate(agreement.direction.owners):
        role = agreement.role_of(ods)
        if role is None:
            yield Fault(f"/direction/owners/{n}", "is not one of the parties")
        elif role is PartyRole.PROCESSOR:
            yield Fault(f"/direction/owners/{n}", "is a processor: only a controller can share its images")
    for n, ods in enumerate(agreement.direction.recipients):
        if agreement.role_of(ods) is None:
            yield Fault(f"/direction/recipients/{n}", "is not one of the parties")
    bound = {*agreement.direction.owners, *agreement.direction.recipients}
    for n, party in enumerate(agreement.parties):
        if party.ods not in bound:
            yield Fault(f"/parties/{n}/ods", "is neither an owner nor a recipient")


def _date_faults(agreement: Agreement) -> Iterator[Fault]:
    effective = agreement.effective
    if effective.to < effective.from_:
        yield Fault("/effective/to", "is before the first day")
    if not effective.from_ <= agreement.review_date <= max(effective.to, effective.from_):
        yield Fault("/review_date", "must be within the effective dates: an agreement is reviewed while it runs")


def _basis_faults(agreement: Agreement, clause: Clause, path: str) -> Iterator[Fault]:
    beyond = _BEYOND_IMPLIED_CONSENT.intersection(clause.purposes)
    if beyond and agreement.lawful_basis.confidentiality == "implied_consent":
        named = ", ".join(sorted(beyond))
        yield Fault(f"{path}/purposes", f"implied consent does not reach {named}: it covers direct care only")


def _clause_faults(clause: Clause, path: str) -> Iterator[Fault]:
    yield from _recipient_faults(clause, f"{path}/recipients")
    yield from _break_glass_faults(clause, path)
    yield from _opt_out_faults(clause, f"{path}/opt_out")
    yield from _condition_faults(clause, path)
    for name, values in (("modalities", clause.data.modalities), ("body_parts", clause.data.body_parts)):
        if EVERY in values and len(values) > 1:
            yield Fault(f"{path}/data/{name}", "names * and more: * is already every one")


def _recipient_faults(clause: Clause, path: str) -> Iterator[Fault]:
    recipients = clause.recipients
    if not (recipients.roles or recipients.services or recipients.ai_services):
        yield Fault(path, "lets nobody in: name a role, a service or an AI service")
    yield from _repeated(tuple(service.id for service in recipients.ai_services), f"{path}/ai_services", "id")
    for n, service in enumerate(recipients.ai_services):
        if service.id in recipients.services:
            yield Fault(f"{path}/ai_services/{n}/id", "is also named as a plain service")
        yield from _ai_faults(service, clause, f"{path}/ai_services/{n}")


def _ai_faults(service: AiService, clause: Clause, path: str) -> Iterator[Fault]:
    for name, asked, given in (
        ("modalities", service.modalities, clause.data.modalities),
        ("body_parts", service.body_parts, clause.data.body_parts),
    ):
        if EVERY not in given and not set(asked) <= set(given):
            yield Fault(f"{path}/{name}", f"goes beyond the clause's data/{name}")
        if EVERY in asked and len(asked) > 1:
            yield Fault(f"{path}/{name}", "names * and more: * is already every one")


def _break_glass_faults(clause: Clause, path: str) -> Iterator[Fault]:
    rule = clause.break_glass
    if rule.allowed:
        for name, given in (("minutes", rule.minutes), ("notify", rule.notify), ("review_share", rule.review_share)):
            if not given:
                yield Fault(f"{path}/break_glass/{name}", "is needed when the override is allowed")
        if rule.notify and not any(who.startswith("owner_") for who in rule.notify):
            yield Fault(f"{path}/break_glass/notify", "must name somebody at the owner trust: the owner is always told")
    else:
        if rule.minutes or rule.notify or rule.review_share:
            yield Fault(f"{path}/break_glass", "sets limits of an override that is not allowed")
        if Purpose.BTG in clause.purposes:
            yield Fault(f"{path}/break_glass/allowed", "must be true in a clause with the purpose BTG")
        if clause.data.sensitive == "break_glass":
            yield Fault(f"{path}/data/sensitive", "opens by break-glass, which the clause does not allow")


def _opt_out_faults(clause: Clause, path: str) -> Iterator[Fault]:
    if clause.opt_out.applies:
        if _EMERGENCY.intersection(clause.purposes):
            yield Fault(f"{path}/applies", "the national data opt-out never applies to treatment: split the clause")
        if clause.opt_out.exempt_because is not None:
            yield Fault(f"{path}/exempt_because", "gives an exemption although the opt-out applies")
    elif clause.opt_out.exempt_because is None:
        yield Fault(f"{path}/exempt_because", "is needed when the opt-out does not apply")


def _condition_faults(clause: Clause, path: str) -> Iterator[Fault]:
    conditions = clause.conditions
    if conditions.hours is not None and conditions.hours.from_ == conditions.hours.to:
        yield Fault(f"{path}/conditions/hours/to", "is the same as from: leave hours out to mean the whole day")
    if conditions.relationship == "self_claim" and not DIRECT_CARE.issuperset(clause.purposes):
        yield Fault(f"{path}/conditions/relationship", "a relationship may be self-claimed for direct care only")
    if clause.data.level == "pseudonymised" and "pseudonymise" not in {o.type for o in conditions.obligations}:
        yield Fault(f"{path}/conditions/obligations", "must hold pseudonymise: the data level is pseudonymised")
    if clause.data.sensitive == "break_glass" and Label.SENSITIVE in clause.data.excluded_labels:
        yield Fault(f"{path}/data/excluded_labels", "excludes sensitive studies that break-glass would open")
    if clause.recipients.ai_services:
        if clause.token.act_depth:
            yield Fault(f"{path}/token/act_depth", "must be 0: an AI service's token is never exchanged again")
        if clause.token.seconds > AI_TOKEN_SECONDS:
            yield Fault(f"{path}/token/seconds", f"must be {AI_TOKEN_SECONDS} at most for an AI service")


def _repeated(values: Sequence[str], path: str, field: str) -> Iterator[Fault]:
    for n, value in enumerate(values):
        if value in values[:n]:
            yield Fault(f"{path}/{n}/{field}", "is named more than once")
