package imaging.obligations_test

import data.imaging.obligations

clause := {
	"modalities": ["CT"],
	"body_parts": ["*"],
	"excluded_labels": ["decoy"],
	"priors_days": 365,
	"identity_assurance": 3,
	"obligations": [{"id": "care/1/1", "type": "watermark", "properties": {"text": "shared"}}, {"type": "no_download"}],
	"break_glass": {"minutes": 30, "notify": ["owner_caldicott_guardian"], "review_share": 0.5},
}

test_of_clause_numbers_them if {
	obligations.of_clause("care/1", clause) == [
		{"id": "care/1/1", "type": "watermark", "properties": {"text": "shared"}},
		{"id": "care/1/2", "type": "no_download", "properties": {}},
	]
}

test_filter_results_for_an_open_search if {
	search := {"action": "search", "resource": {"known": false}}
	obligations.filter_results(search, "care/1", clause) == [{
		"id": "care/1/filter_results",
		"type": "filter_results",
		"properties": {
			"modalities": ["CT"],
			"body_parts": ["*"],
			"excluded_labels": ["decoy", "sealed", "sensitive"],
			"priors_days": 365,
		},
	}]
}

test_filter_results_not_for_a_study if {
	obligations.filter_results({"action": "search", "resource": {"known": true}}, "care/1", clause) == []
}

test_self_claim_alert if {
	[alert] := obligations.self_claim({"subject": {"ods": "RKB"}}, "care/1", {"RRK"})
	alert.id == "care/1/self_claim_alert"
	alert.properties.activity == "B0016"
	alert.properties.owners == ["RRK"]
	alert.properties.requester == "RKB"
}

test_break_glass_alert_and_review if {
	grounds := {"owners": {"RRK", "RL4"}, "failed": {"relationship.none"}}
	reasoned := {"subject": {"ods": "RKB"}, "context": {"break_glass_reason": "arrest"}}
	[alert, review] := obligations.break_glass(reasoned, "care/1", clause, grounds)
	alert.properties.activity == "B0015"
	alert.properties.notify == ["owner_caldicott_guardian", "owner_privacy_officer"]
	alert.properties.owners == ["RL4", "RRK"]
	review == {
		"id": "care/1/break_glass_review",
		"type": "review",
		"properties": {"share": 0.5, "minutes": 30, "overridden": ["relationship.none"], "approval": null},
	}
}

test_break_glass_review_names_the_grant if {
	granted := {
		"subject": {"ods": "RKB"},
		"time": {"epoch": 1000},
		"context": {"break_glass_reason": null},
		"grants": [{"id": "g-1", "clause": "care/1", "since": 900, "until": 1100}],
	}
	grounds := {"owners": {"RRK"}, "failed": {"relationship.none"}}
	[_, review] := obligations.break_glass(granted, "care/1", clause, grounds)
	review.properties.approval == {"id": "g-1", "until": 1100}
}

test_step_up if {
	[step] := obligations.step_up("care/1", clause, {"assurance.too_low"})
	step.properties == {"identity_assurance": 3}
	obligations.step_up("care/1", clause, {"role.not_covered"}) == []
}
