package imaging.filter_test

import data.imaging.decision
import data.imaging.filter

person := {
	"id": "s-1",
	"type": "practitioner",
	"role": "clinician",
	"ods": "RKB",
	"known": true,
	"organisation_known": true,
	"assurance": 3,
	"training_valid": true,
	"managed_device": true,
	"ai": null,
}

service := object.union(person, {
	"id": "triage",
	"type": "ai_service",
	"ai": {
		"version": "1",
		"approved": true,
		"reads_today": 0,
		"manifest": {
			"versions": ["1"],
			"modalities": ["CT", "MR"],
			"body_parts": ["*"],
			"trusts": ["RRK"],
			"purposes": ["TREAT", "HRESCH"],
			"daily_volume": 10,
		},
	},
})

request(subject, purpose) := {
	"time": {"epoch": 1000, "minute_of_day": 600},
	"subject": subject,
	"action": "search",
	"purpose": purpose,
	"context": {"break_glass_reason": null, "self_claim_reason": null},
}

clause(changes) := object.union(
	{
		"agreement": "care",
		"version": 2,
		"clause": "1",
		"effective_from": 0,
		"effective_to": null,
		"actions": ["search"],
		"roles": ["clinician"],
		"services": [],
		"ai": {"triage": {"versions": ["1"], "modalities": ["*"], "body_parts": ["HEAD"], "daily_volume": 5}},
		"modalities": ["CT"],
		"body_parts": ["*"],
		"priors_days": 365,
		"excluded_labels": ["decoy"],
		"sensitive": "break_glass",
		"identity_assurance": 2,
		"managed_device": false,
		"hours": null,
		"relationship": "required",
		"training": false,
		"obligations": [],
		"break_glass": {"allowed": false},
		"opt_out_applies": true,
		"token_seconds": 60,
		"act_depth": 1,
	},
	changes,
)

governance(changes) := {
	"revision": "r1",
	"index": {"RKB": {"RRK": {"TREAT": ["care/1"], "HRESCH": ["care/1"]}, "RNA": {"TREAT": ["care/1"], "HRESCH": []}}},
	"lapsed": {},
	"clauses": {"care/1": clause(changes)},
}

# A study, as the filter sees it (one value a field) and as the decision does.
studies := [
[filtered, decided] |
	some [owner, modality, label] in [
		["RRK", "CT", "none"],
		["RNA", "MR", "none"],
		["RKB", "CT", "none"],
		["RRK", "CT", "sealed"],
		["RRK", "CT", "decoy"],
	]
	some tie in [null, "order", "rota", "project"]
	some age in [0, 400, 900]
	some opted in [null, false]
	filtered := object.union(_tied(tie, age), {
		"clause": "care/1",
		"custodian": owner,
		"modality": modality,
		"body_part": "HEAD",
		"label": label,
		"age_days": age,
		"opt_out": opted,
	})
	decided := {
		"resource": {
			"known": true,
			"custodians": [owner],
			"modality": modality,
			"body_part": "HEAD",
			"age_days": age,
			"labels": [label],
			"patient_known": true,
		},
		"patient": {"opt_out": opted},
		"relationships": [{"kind": kind, "id": "e", "age_days": 100, "of_study": false} | some kind in [tie]; kind != null],
	}
]

_tied(tie, _) := {} if tie == null

_tied(tie, age) := {"tie": tie, concat("_", ["age_days_before", tie]): age - 100} if tie != null

differing(subject, purpose, changes) := [filtered |
	asked := request(subject, purpose)
	some [filtered, decided] in studies
	shown := _shown(asked, filtered, changes)
	permitted := _permitted(object.union(asked, decided), changes)
	shown != permitted
]

default _shown(_, _, _) := false

_shown(asked, study, changes) if {
	filter.include with input as {"request": asked, "study": study}
		with data.governance as governance(changes)
}

_permitted(asked, changes) := permit if {
	permit := decision.answer.permit with input as asked with data.governance as governance(changes)
}

test_success_agrees_with_the_decision_on_care if {
	some_shown({})
	differing(person, "TREAT", {}) == []
}

test_success_agrees_with_the_decision_on_research if {
	differing(person, "HRESCH", {}) == []
	differing(person, "HRESCH", {"opt_out_applies": false}) == []
}

test_success_agrees_with_the_decision_on_wide_clauses if {
	differing(person, "TREAT", {"priors_days": null, "modalities": ["*"]}) == []
	differing(person, "TREAT", {"relationship": "not_required", "sensitive": "deny"}) == []
}

test_failure_agrees_with_the_decision_on_narrow_clauses if {
	differing(person, "TREAT", {"relationship": "a kind of tomorrow"}) == []
	differing(person, "TREAT", {"body_parts": ["CHEST"]}) == []
}

test_success_agrees_with_the_decision_on_ai_services if {
	differing(service, "TREAT", {"modalities": ["*"]}) == []
	differing(service, "HRESCH", {}) == []
}

test_failure_agrees_with_the_decision_on_the_unnamed if {
	differing(service, "TREAT", {"ai": {"other": {}}}) == []
	differing(object.union(service, {"ai": {"version": "2"}}), "TREAT", {}) == []
}

test_failure_agrees_with_the_decision_on_those_it_refuses if {
	differing(object.union(person, {"known": false}), "TREAT", {}) == []
	differing(object.union(person, {"assurance": 1}), "TREAT", {}) == []
	differing(person, "BTG", {}) == []
}

test_failure_agrees_with_the_decision_on_terms_not_met if {
	differing(person, "TREAT", {"actions": ["read"]}) == []
	differing(person, "TREAT", {"effective_to": 1000}) == []
}

some_shown(changes) if {
	some [filtered, _] in studies
	_shown(request(person, "TREAT"), filtered, changes)
}

test_success_a_filter_that_opens_nothing_says_what_it_was_made_with if {
	filter.include with input as {"request": request(person, "BTG"), "study": {"revision": "r1"}}
		with data.governance as governance({})
}

test_failure_a_filter_of_another_revision if {
	not filter.include with input as {"request": request(person, "TREAT"), "study": {"revision": "r2"}}
		with data.governance as governance({})
}

test_success_answer_holds_the_openings if {
	found := filter.answer with input as {"request": request(person, "TREAT")} with data.governance as governance({})
	found.revision == "r1"
	found.openings["care/1"].custodians == ["RNA", "RRK"]
}

test_failure_no_policy_data if {
	found := filter.answer with input as {"request": request(person, "TREAT")} with data.governance as {}
	found == {"revision": "", "openings": {}}
}
