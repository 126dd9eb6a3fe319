"""An agreement in plain English says every term."""

from governance.agreements import plain_english, summary
from governance.agreements.documents import check
from tests.worlds.agreements import document

AI = {"id": "ai-x", "versions": ["1.0.0", "2.0.0"], "modalities": ["CT"], "body_parts": ["HEAD"], "daily_volume": 1500}
NAMES = {"RRK": "University Hospitals Birmingham"}


def test_the_whole_text() -> None:
    assert plain_english(check(document()).agreement, NAMES) == (
        "Images for direct care between two trusts (version 1)\n"
        "RKB may use images of University Hospitals Birmingham (RRK) and RKB for emergency treatment and treatment "
        "until 31 December 2026.\n"
        "Between University Hospitals Birmingham (RRK) (controller) and RKB (joint controller).\n"
        "In force from 1 January 2026 to 31 December 2026.\n"
        "To be reviewed by 30 September 2026.\n"
        "Lawful under UK GDPR Article 6(1)(e) and Article 9(2)(h).\n"
        "Confidentiality rests on implied consent.\n"
        "Impact assessment DPIA-1.\n"
        "Copies are kept for 8 years as health record.\n"
        "Clause 4.1. Clinicians may read the images of their patients.\n"
        "  Who: clinician.\n"
        "  May: search and read.\n"
        "  Why: treatment and emergency treatment.\n"
        "  Which images: CT and MR of every body part, identifiable. No older than 365 days. "
        "Never a study marked sealed. A sensitive or sealed study opens only by emergency override.\n"
        "  Conditions: Identity assurance level 2 or higher. A managed device is needed. "
        "Information governance training in date. A legitimate relationship with the patient is needed "
        "(an order, referral, list, episode or project). From 20:00 to 08:00 only. "
        "The receiving system must watermark.\n"
        "  Emergency override: with a reason, for 30 minutes; owner privacy officer told each time; "
        "50% of uses reviewed.\n"
        "  National data opt-out: does not apply: direct care.\n"
        "  Each permission lasts 60 seconds; it may be passed on 1 time."
    )


def test_the_other_ways_to_say_a_term() -> None:
    made = document(
        {
            "/direction/pool": "night-pool",
            "/clauses/0/recipients": {"services": ["viewer"], "ai_services": [AI]},
            "/clauses/0/data": {
                "modalities": ["*"],
                "body_parts": ["HEAD", "NECK"],
                "level": "identifiable",
                "priors_days": None,
                "excluded_labels": [],
                "sensitive": "deny",
            },
            "/clauses/0/conditions": {
                "identity_assurance": 1,
                "managed_device": False,
                "relationship": "not_required",
                "training": False,
            },
            "/clauses/0/break_glass": {"allowed": False},
            "/clauses/0/purposes": ["HQUALIMP"],
            "/clauses/0/opt_out": {"applies": True},
            "/clauses/0/token": {"seconds": 1, "act_depth": 0},
        }
    )
    text = plain_english(check(made).agreement)
    for said in (
        "Work is shared through the reporting pool night-pool.",
        "the service viewer and the AI service ai-x in version 1.0.0 or 2.0.0 on CT of head",
        "at most 1,500 studies a day",
        "every modality of head and neck, identifiable. Of any age. A sensitive or sealed study stays closed.",
        "Any device. Training is not checked. No legitimate relationship with the patient is needed.",
        "Emergency override: not allowed.",
        "National data opt-out: applies.",
        "Each permission lasts 1 second; it is never passed on.",
    ):
        assert said in text


def test_the_summary_is_one_sentence() -> None:
    assert summary(check(document()).agreement) == (
        "RKB may use images of RRK and RKB for emergency treatment and treatment until 31 December 2026."
    )
