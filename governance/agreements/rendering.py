"""An agreement in plain English: who may do what with which images, why, on which conditions and until when.

Made from the agreement alone, so what an officer reads is what the policy holds. Each sentence says one field of
the document; nothing is left out for being usual.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from governance.agreements.model import Agreement, BreakGlass, Clause, Conditions, DataItems, Recipients
from governance.vocabulary import PartyRole, Purpose

_PURPOSES: dict[Purpose, str] = {
    Purpose.BTG: "emergency override",
    Purpose.CAREMGT: "care management",
    Purpose.ETREAT: "emergency treatment",
    Purpose.HLEGAL: "legal proceedings",
    Purpose.HOPERAT: "running the service",
    Purpose.HQUALIMP: "quality improvement",
    Purpose.HRESCH: "research",
    Purpose.HSYSADMIN: "system administration",
    Purpose.PATRQT: "a request of the patient",
    Purpose.PUBHLTH: "public health",
    Purpose.TRAIN: "training of staff",
    Purpose.TREAT: "treatment",
}
_PARTY_ROLES = {
    PartyRole.CONTROLLER: "controller",
    PartyRole.JOINT: "joint controller",
    PartyRole.PROCESSOR: "processor",
}
_RELATIONSHIPS = {
    "not_required": "No legitimate relationship with the patient is needed.",
    "required": "A legitimate relationship with the patient is needed (an order, referral, list, episode or project).",
    "self_claim": "A legitimate relationship with the patient is needed; one may be claimed with a reason, for review.",
}


def plain_english(agreement: Agreement, names: Mapping[str, str] | None = None) -> str:
    """Give the text of an agreement, one sentence or list entry a line.

    Args:
        agreement: the agreement.
        names: names of organisations by ODS code; a code without a name is shown as it is.
    """
    known = names or {}
    return "\n".join([*_heading(agreement, known), *(line for clause in agreement.clauses for line in _clause(clause))])


def summary(agreement: Agreement, names: Mapping[str, str] | None = None) -> str:
    """Give the one-sentence summary: from whom to whom, why, until when."""
    known = names or {}
    purposes = sorted({purpose for clause in agreement.clauses for purpose in clause.purposes})
    return (
        f"{_organisations(agreement.direction.recipients, known)} may use images of "
        f"{_organisations(agreement.direction.owners, known)} for {_and(_PURPOSES[p] for p in purposes)} "
        f"until {_day(agreement.effective.to)}."
    )


def _heading(agreement: Agreement, names: Mapping[str, str]) -> list[str]:
    basis, retention = agreement.lawful_basis, agreement.retention
    parties = _and(f"{_name(party.ods, names)} ({_PARTY_ROLES[party.role]})" for party in agreement.parties)
    lines = [
        f"{agreement.title} (version {agreement.version})",
        summary(agreement, names),
        f"Between {parties}.",
        f"In force from {_day(agreement.effective.from_)} to {_day(agreement.effective.to)}.",
        f"To be reviewed by {_day(agreement.review_date)}.",
        f"Lawful under UK GDPR Article {basis.article_6} and Article {basis.article_9}.",
        f"Confidentiality rests on {_words(basis.confidentiality)}.",
        f"Impact assessment {agreement.dpia}.",
        f"Copies are kept for {_count(retention.years, 'year')} as {_words(retention.class_)}.",
    ]
    if agreement.direction.pool is not None:
        lines.append(f"Work is shared through the reporting pool {agreement.direction.pool}.")
    return lines


def _clause(clause: Clause) -> list[str]:
    return [
        f"Clause {clause.id}. {clause.text}",
        f"  Who: {_recipients(clause.recipients)}.",
        f"  May: {_and(action.value for action in clause.actions)}.",
        f"  Why: {_and(_PURPOSES[purpose] for purpose in clause.purposes)}.",
        f"  Which images: {_data(clause.data)}",
        f"  Conditions: {_conditions(clause.conditions)}",
        f"  Emergency override: {_break_glass(clause.break_glass)}",
        f"  National data opt-out: {_opt_out(clause)}",
        f"  Each permission lasts {_count(clause.token.seconds, 'second')}; "
        + (
            f"it may be passed on {_count(clause.token.act_depth, 'time')}."
            if clause.token.act_depth
            else "it is never passed on."
        ),
    ]


def _recipients(recipients: Recipients) -> str:
    return _and(
        [
            *(_words(role.value) for role in recipients.roles),
            *(f"the service {name}" for name in recipients.services),
            *(
                f"the AI service {ai.id} in version {_or(ai.versions)} on {_kinds(ai.modalities, ai.body_parts)}, "
                f"at most {ai.daily_volume:,} studies a day"
                for ai in recipients.ai_services
            ),
        ]
    )


def _data(data: DataItems) -> str:
    sentences = [f"{_kinds(data.modalities, data.body_parts)}, {data.level}."]
    if data.priors_days is not None:
        sentences.append(f"No older than {_count(data.priors_days, 'day')}.")
    else:
        sentences.append("Of any age.")
    if data.excluded_labels:
        sentences.append(f"Never a study marked {_or(label.value for label in data.excluded_labels)}.")
    opened = "opens only by emergency override" if data.sensitive == "break_glass" else "stays closed"
    sentences.append(f"A sensitive or sealed study {opened}.")
    return " ".join(sentences)


def _conditions(conditions: Conditions) -> str:
    sentences = [
        f"Identity assurance level {conditions.identity_assurance} or higher.",
        "A managed device is needed." if conditions.managed_device else "Any device.",
        "Information governance training in date." if conditions.training else "Training is not checked.",
        _RELATIONSHIPS[conditions.relationship],
    ]
    if conditions.hours is not None:
        sentences.append(f"From {conditions.hours.from_} to {conditions.hours.to} only.")
    if conditions.obligations:
        sentences.append(f"The receiving system must {_and(_words(o.type) for o in conditions.obligations)}.")
    return " ".join(sentences)


def _break_glass(rule: BreakGlass) -> str:
    if not rule.allowed:
        return "not allowed."
    return (
        f"with a reason, for {_count(rule.minutes, 'minute')}; {_and(_words(who) for who in rule.notify)} "
        f"told each time; {rule.review_share:.0%} of uses reviewed."
    )


def _opt_out(clause: Clause) -> str:
    if clause.opt_out.applies:
        return "applies."
    return f"does not apply: {clause.opt_out.exempt_because}."


def _kinds(modalities: tuple[str, ...], body_parts: tuple[str, ...]) -> str:
    what = "every modality" if "*" in modalities else _and(modalities)
    where = "every body part" if "*" in body_parts else _and(part.lower() for part in body_parts)
    return f"{what} of {where}"


def _organisations(codes: tuple[str, ...], names: Mapping[str, str]) -> str:
    return _and(_name(code, names) for code in codes)


def _name(code: str, names: Mapping[str, str]) -> str:
    return f"{names[code]} ({code})" if code in names else code


def _words(code: str) -> str:
    return code.replace("_", " ")


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"


def _and(items: Iterable[str]) -> str:
    return _joined(list(items), "and")


def _or(items: Iterable[str]) -> str:
    return _joined(list(items), "or")


def _joined(items: list[str], last: str) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"
