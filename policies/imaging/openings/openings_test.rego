package imaging.openings_test

import data.imaging.openings

person := {"id": "s-1", "type": "practitioner", "role": "clinician", "assurance": 2}

service := {
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
			"purposes": ["TREAT"],
			"daily_volume": 10,
		},
	},
}

request(subject, purpose) := {
	"time": {"epoch": 1000, "minute_of_day": 600},
	"subject": subject,
	"action": "search",
	"purpose": purpose,
}

clause := {
	"effective_from": 0,
	"effective_to": null,
	"actions": ["search"],
	"roles": ["clinician"],
	"ai": {"triage": {"versions": ["1"], "modalities": ["MR", "US"], "body_parts": ["*"], "daily_volume": 5}},
	"modalities": ["*"],
	"body_parts": ["*"],
	"priors_days": 30,
	"excluded_labels": ["decoy"],
	"identity_assurance": 2,
	"managed_device": false,
	"hours": null,
	"relationship": "required",
	"training": false,
	"opt_out_applies": true,
}

test_success_possible if openings.possible(request(person, "TREAT"), clause)

test_success_possible_for_a_named_service if openings.possible(request(service, "TREAT"), clause)

test_failure_out_of_force if not openings.possible(request(person, "TREAT"), object.union(clause, {"effective_to": 9}))

test_failure_known_term if not openings.possible(request(person, "TREAT"), object.union(clause, {"roles": []}))

test_failure_break_glass if not openings.possible(request(person, "BTG"), clause)

test_success_terms_of_a_person if {
	found := openings.terms(request(person, "HRESCH"), clause, {"RRK", "RNA"})
	found.custodians == ["RNA", "RRK"]
	found.modalities == null
	found.labels == ["decoy", "sealed", "sensitive"]
	"project" in found.ties
	found.priors_days == 30
	found.consent == true
}

test_success_terms_of_a_service_are_the_narrowest if {
	found := openings.terms(request(service, "TREAT"), clause, {"RRK", "RNA"})
	found.custodians == ["RRK"]
	found.modalities == ["MR"]
	found.body_parts == null
	found.consent == false
}

test_success_no_tie_asked if {
	asked := object.union(clause, {"relationship": "not_required"})
	openings.terms(request(person, "TREAT"), asked, {"RRK"}).ties == null
}

test_failure_a_condition_of_tomorrow_is_met_by_no_tie if {
	asked := object.union(clause, {"relationship": "a kind of tomorrow"})
	openings.terms(request(person, "TREAT"), asked, {"RRK"}).ties == []
}
