"""Every code that a page can show has its words, and every detector its title."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

import pytest

from governance import vocabulary
from governance.agreements import Transition
from governance.alerts import Alert, Case, Change, ClosedBy, SuppressionKind
from governance.console import _wording as wording
from governance.console._reasons import KINDS, UNTOLD, spoken
from governance.console._rules import alert_title, rules_of
from governance.console.forms import STATES, VERDICTS
from governance.decisions.obligations import ObligationType
from governance.detection import Explanation, ExplanationKind, Told, Untold, default_rules
from governance.vocabulary import Severity
from tests.worlds.basics import NOON

COMPLETE: list[tuple[type[StrEnum], Mapping[StrEnum, str]]] = [
    (vocabulary.Action, wording.ACTIONS),
    (vocabulary.AgreementStatus, wording.AGREEMENT_COLOURS),
    (vocabulary.AgreementStatus, wording.AGREEMENT_STATUSES),
    (vocabulary.AlertKind, wording.ALERT_KINDS),
    (vocabulary.AlertState, wording.ALERT_STATES),
    (vocabulary.AlertState, wording.ALERT_STATE_COLOURS),
    (vocabulary.Capacity, wording.CAPACITIES),
    (Change, wording.HISTORY),
    (ClosedBy, wording.ENDINGS),
    (SuppressionKind, wording.SUPPRESSION_KINDS),
    (vocabulary.EventKind, wording.EVENT_KINDS),
    (ExplanationKind, KINDS),
    (vocabulary.Outcome, wording.OUTCOMES),
    (vocabulary.PartyRole, wording.PARTY_ROLES),
    (vocabulary.Purpose, wording.PURPOSES),
    (vocabulary.Role, wording.ROLES),
    (vocabulary.Severity, wording.SEVERITIES),
    (vocabulary.Severity, wording.SEVERITY_COLOURS),
    (Transition, wording.TRANSITIONS),
    (vocabulary.Verdict, wording.VERDICTS),
    (vocabulary.Verdict, wording.VERDICT_COLOURS),
    (vocabulary.Verdict, wording.VERDICT_HINTS),
    (Untold, UNTOLD),
]


@pytest.mark.parametrize(("codes", "words"), COMPLETE)
def test_every_code_has_its_words(codes: type[StrEnum], words: Mapping[StrEnum, str]) -> None:
    assert set(words) == set(codes)
    assert all(text.strip() for text in words.values())


@pytest.mark.parametrize("obligation", ObligationType)
def test_every_obligation_of_the_policy_has_its_sentence(obligation: ObligationType) -> None:
    assert obligation.value in wording.OBLIGATIONS


@pytest.mark.parametrize("reason", vocabulary.ReasonCode)
def test_a_reason_is_a_sentence(reason: vocabulary.ReasonCode) -> None:
    sentence = wording.reason_sentence(reason)
    assert sentence.endswith(".")
    assert sentence[0].isupper()


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert wording.reason_sentence("later.reason") == "Reason later.reason."
    assert wording.role_name("porter") == "porter"
    assert wording.role_name(None) is None
    assert wording.obligation_sentence("blur_faces") == "Blur faces"


def test_the_forms_offer_every_state_and_verdict() -> None:
    assert set(VERDICTS) == set(vocabulary.Verdict)
    assert set(STATES) == {"open", "all", "awaiting", *vocabulary.AlertState}


def alert(*rules: str) -> Alert:
    """Make an alert of some rules."""
    return Alert("a-1", 1, "g", "some_family", NOON, NOON, Severity.LOW, Case(), None, None, None, (), rules)


@pytest.mark.parametrize("rule", [rule.id for rule in default_rules()])
def test_every_detector_gives_an_alert_its_title_and_what_to_check(rule: str) -> None:
    assert alert_title(alert(rule))
    (found,) = rules_of(alert(rule))
    assert found.runbook
    assert found.false_positives


def test_the_gravest_rule_gives_the_title() -> None:
    rules = {rule.id: rule.severity.rank for rule in default_rules()}
    low, high = min(rules, key=rules.__getitem__), max(rules, key=rules.__getitem__)
    assert alert_title(alert(low, high)) == alert_title(alert(high))


@pytest.mark.parametrize("rule", ["no_such_rule", "../../../etc/passwd", "", "self_access.yaml"])
def test_a_rule_nobody_knows_falls_back_to_its_family(rule: str) -> None:
    assert alert_title(alert(rule)) == "Some family"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            Explanation(ExplanationKind.REFERRAL, "r-1", "ers", timedelta(days=3, hours=4), 0.9, "RRK"),
            "On a referral from ers, 3 days before",
        ),
        (
            Explanation(ExplanationKind.WORKLIST, "w-1", "ris", timedelta(hours=1), 0.8, "RRK", team=True),
            "On a worklist from ris, held by a team of theirs, 1 hour before",
        ),
        (
            Explanation(ExplanationKind.ORDER, "o-1", "ris", timedelta(minutes=-20), 1.0, "RRK"),
            "On an order from ris, 20 minutes later",
        ),
        (
            Explanation(ExplanationKind.ROTA, "rota", "rota", timedelta(seconds=9), 0.1, "RRK"),
            "On a rota from rota, at the same time: too wide to explain this look",
        ),
        (
            Explanation(ExplanationKind.SELF_CLAIM, None, "imaging-governance", timedelta(minutes=1), 0.6),
            "They claimed a relationship themselves, 1 minute before",
        ),
        (Explanation(ExplanationKind.UNEXPLAINED), "No recorded reason found"),
        (Explanation(ExplanationKind.DEGRADED), "Nobody can say yet: a feed of relationships was silent"),
        (Untold.PENDING, "Not looked into yet"),
    ],
)
def test_a_reason_is_said_in_words(told: Told, said: str) -> None:
    assert spoken(told) == said


@pytest.mark.parametrize("kind", list(ExplanationKind))
def test_every_kind_of_reason_can_be_said(kind: ExplanationKind) -> None:
    assert spoken(Explanation(kind, strength=1.0))
