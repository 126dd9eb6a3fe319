"""Every code that a page can show has its words, and every detector its title."""

from collections.abc import Mapping
from enum import StrEnum

import pytest

from governance import vocabulary
from governance.agreements import Transition
from governance.alerts import Alert, Case, Change, ClosedBy, SuppressionKind
from governance.console import _wording as wording
from governance.console._rules import alert_title, rules_of
from governance.console.forms import STATES, VERDICTS
from governance.decisions.obligations import ObligationType
from governance.detection import default_rules
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
