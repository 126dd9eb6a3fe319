"""The console's forms: what may be sent, and the sentence somebody reads when it may not.

Each field's limits are those of the room that takes the value. The form token is checked for every POST of the
console, by the blueprint, whichever form is used.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import DecimalField, Field, Form, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, ValidationError

from governance.agreements import Transition
from governance.alerts import SuppressionKind
from governance.alerts.lifecycle import MAXIMUM_TEXT
from governance.alerts.suppressions import NEVER
from governance.alerts.suppressions.suppression import MAXIMUM_TEXT as SUPPRESSION_TEXT
from governance.console import _questions_wording as asking
from governance.console import _wording as wording
from governance.detection import default_rules
from governance.detection.sidecar import sidecar_of
from governance.inquiries import AnswerCode, Asked
from governance.inquiries.inquiry import MAXIMUM_WHY, MAXIMUM_WORDS
from governance.vocabulary import AlertState, Severity, Verdict
from governance.vocabulary import nhs_number as checked_nhs_number

ANY = ""
OPEN = "open"
VERDICTS = {verdict.value: wording.VERDICTS[verdict] for verdict in Verdict}
ASKED = {asked.value: asking.ASKED[asked] for asked in (Asked.PERSON, Asked.MANAGER)}
ANSWERS = {code.value: words for code, words in asking.ANSWERS.items()}
CONFIRM = "confirm"
RULINGS = {CONFIRM: "Yes, this explains it", "reject": "No, it does not"}
PERIODS = {"1": "The last day", "7": "The last 7 days", "30": "The last 30 days", "90": "The last 90 days"}
STATES = {OPEN: "Open", "awaiting": "Waiting for your trust"}
STATES |= {state.value: wording.ALERT_STATES[state] for state in AlertState} | {"all": "All"}
REVIEWS = {"waiting": "To be reviewed", "all": "All"}
HELD = {"now": "In force or waiting", "all": "All"}
SUPPRESSION_KINDS = {kind.value: wording.SUPPRESSION_KINDS[kind] for kind in SuppressionKind}
DAYS = {"7": "7 days", "30": "30 days", "90": "90 days"}
RULES = {ANY: "None"} | {
    rule.id: sidecar_of(rule.id).title
    for rule in sorted(default_rules(), key=lambda rule: sidecar_of(rule.id).title)
    if rule.id not in NEVER
}
SEVERITIES = {ANY: "Any"} | {
    severity.value: wording.SEVERITIES[severity] for severity in sorted(Severity, key=lambda one: -one.rank)
}


def _values(labels: Mapping[str, str]) -> Any:
    """Give a field's choices as plain values, which the type stubs do not know yet; the page adds the labels."""
    return list(labels)


def _stripped(value: str | None) -> str | None:
    return value.strip() if value else value


class AskForm(Form):
    """Whom to ask about an alert, and the sentence that they read."""

    asked = RadioField(
        "Whom do you want to ask?",
        choices=_values(ASKED),
        validators=[InputRequired("Select whom to ask")],
        validate_choice=True,
    )
    why = TextAreaField(
        "Why do you ask?",
        filters=[_stripped],
        default="No reason for opening these images is on record.",
        validators=[
            InputRequired("Enter why you ask"),
            Length(max=MAXIMUM_WHY, message="What you write must be 500 characters or less"),
        ],
    )


class AnswerForm(Form):
    """What somebody answers who was asked why they opened images."""

    answer = RadioField(
        "What was the reason?",
        choices=_values(ANSWERS),
        validators=[InputRequired("Select the reason that fits best")],
        validate_choice=True,
    )
    words = TextAreaField(
        "In your own words",
        filters=[_stripped],
        validators=[Length(max=MAXIMUM_WORDS, message="What you write must be 2,000 characters or less")],
    )

    def validate_words(self, field: Field) -> None:
        """Ask for words where the reason alone says nothing."""
        if self.answer.data in ANSWERS and AnswerCode(self.answer.data).needs_words and not field.data:
            raise ValidationError("Enter who asked you, or what it was")


class RuleForm(Form):
    """What an officer makes of an answer."""

    ruling = RadioField(
        "Does it explain why the images were opened?",
        choices=_values(RULINGS),
        validators=[InputRequired("Select whether the answer explains it")],
        validate_choice=True,
    )
    reason = TextAreaField(
        "Why?",
        filters=[_stripped],
        validators=[
            InputRequired("Enter why you came to this conclusion"),
            Length(max=MAXIMUM_TEXT, message="Reason must be 4,000 characters or less"),
        ],
    )


class CommentForm(Form):
    """A comment on an alert."""

    comment = TextAreaField(
        "Add a comment",
        filters=[_stripped],
        validators=[
            InputRequired("Enter a comment"),
            Length(max=MAXIMUM_TEXT, message="Comment must be 4,000 characters or less"),
        ],
    )


class CloseForm(Form):
    """The end of a review: what was concluded and why."""

    verdict = RadioField(
        "What did you conclude?",
        choices=_values(VERDICTS),
        validators=[InputRequired("Select what you concluded")],
        validate_choice=True,
    )
    reason = TextAreaField(
        "Why?",
        filters=[_stripped],
        validators=[
            InputRequired("Enter why you came to this conclusion"),
            Length(max=MAXIMUM_TEXT, message="Reason must be 4,000 characters or less"),
        ],
    )


class NoticeFilterForm(Form):
    """Which notices to list; sent in the address, where it may be."""

    review = SelectField("Review", choices=_values(REVIEWS), default="waiting")


class SuppressionFilterForm(Form):
    """Which suppressions to list; sent in the address, where it may be."""

    held = SelectField("Show", choices=_values(HELD), default="now")


class SuppressionForm(Form):
    """What is to be held back, for whom, why and until when; sent in the body, for it may name a patient."""

    kind = RadioField(
        "What do you want to say?",
        choices=_values(SUPPRESSION_KINDS),
        default=SuppressionKind.SUPPRESSION.value,
        validators=[InputRequired("Select what you want to say")],
    )
    rule = SelectField("Which detector should be held back?", choices=_values(RULES), default=ANY)
    subject = StringField("Who? (user id or pseudonym)", filters=[_stripped])
    team = StringField("Or which team?", filters=[_stripped])
    patient = StringField("Which patient? (NHS number or pseudonym)", filters=[_stripped])
    days = RadioField(
        "For how long?", choices=_values(DAYS), default="30", validators=[InputRequired("Select for how long")]
    )
    reason = TextAreaField(
        "Why?",
        filters=[_stripped],
        validators=[
            InputRequired("Enter why"),
            Length(max=SUPPRESSION_TEXT, message="Reason must be 2,000 characters or less"),
        ],
    )

    def name(self, faults: Mapping[str, str]) -> None:
        """Show what the alerts room found wrong, each at its field; what has no field here goes to the reason."""
        for field, message in faults.items():
            shown = self._fields.get(field, self._fields["reason"])
            shown.errors = [*shown.errors, message[:1].upper() + message[1:]]


class EndForm(Form):
    """Why a suppression ends before its time."""

    reason = TextAreaField(
        "Why does it end?",
        filters=[_stripped],
        validators=[
            InputRequired("Enter why it ends"),
            Length(max=SUPPRESSION_TEXT, message="Reason must be 2,000 characters or less"),
        ],
    )


class SampleRateForm(Form):
    """The share of unexplained accesses that is drawn for review."""

    percent = DecimalField(
        "Share to draw, in percent",
        places=None,
        validators=[
            InputRequired("Enter a share, such as 0.1"),
            NumberRange(min=0.001, max=5, message="The share is between 0.001 and 5 percent"),
        ],
    )


class UnmaskForm(Form):
    """Why somebody needs to know who an alert is about."""

    reason = TextAreaField(
        "Why do you need to see who this is?",
        filters=[_stripped],
        validators=[
            InputRequired("Enter why you need to see who this is"),
            Length(min=10, max=MAXIMUM_TEXT, message="Reason must be between 10 and 4,000 characters"),
        ],
    )


class PatientSearchForm(Form):
    """A search by NHS number: sent in the body, so that it is in no address and no access log."""

    nhs_number = StringField("NHS number", filters=[_stripped], validators=[InputRequired("Enter an NHS number")])

    def validate_nhs_number(self, field: Field) -> None:
        """Check the number's form and check digit."""
        try:
            field.data = checked_nhs_number(field.data)
        except ValueError:
            raise ValidationError("Enter a valid NHS number, such as 999 123 4567") from None


class AlertFilterForm(Form):
    """Which alerts to list; sent in the address, where it may be."""

    state = SelectField("State", choices=_values(STATES), default=OPEN)
    severity = SelectField("Severity", choices=_values(SEVERITIES), default=ANY)


class ImpactForm(Form):
    """What is supposed to happen to an agreement, and over how many past days that is asked; sent in the address."""

    change = RadioField(
        "What are you thinking of?",
        choices=[],
        validators=[InputRequired("Select what would happen to the agreement")],
        validate_choice=True,
    )
    days = RadioField(
        "Which decisions should be asked again?",
        choices=_values(PERIODS),
        default="7",
        validators=[InputRequired("Select a period")],
        validate_choice=True,
    )

    def offer(self, changes: Sequence[Transition]) -> None:
        """Offer these changes; one that is alone is chosen already."""
        self.change.choices = _values({change.value: change.value for change in changes})
        if len(changes) == 1 and not self.change.data:
            self.change.data = changes[0].value


class TimelineFilterForm(Form):
    """Which trust's part of a patient's timeline to show."""

    trust = SelectField("Trust", choices=_values({ANY: "All trusts"}), default=ANY, validate_choice=False)
