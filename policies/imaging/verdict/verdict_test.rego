package imaging.verdict_test

import data.imaging.verdict

clause := {
	"agreement": "care",
	"version": 2,
	"clause": "4.1",
	"token_seconds": 60,
	"act_depth": 1,
	"relationship": "self_claim",
	"identity_assurance": 2,
	"obligations": [],
	"break_glass": {"allowed": true, "minutes": 30, "notify": [], "review_share": 1},
}

request := {
	"subject": {"type": "practitioner", "ods": "RKB"},
	"action": "read",
	"purpose": "TREAT",
	"resource": {"known": true},
	"relationships": [],
	"context": {"break_glass_reason": null, "self_claim_reason": "on call"},
}

types(answer) := [obligation.type | some obligation in answer.obligations]

test_permit_by_self_claim_tells_the_privacy_officer if {
	answer := verdict.permit(request, "care/4.1", clause, {"RRK"})
	answer.permit
	answer.reasons == ["agreement.permits", "relationship.self_claimed"]
	types(answer) == ["notification"]
	answer.agreement == {"id": "care", "version": 2, "clause": "4.1", "token_seconds": 60, "act_depth": 1}
}

test_emergency_is_told_and_reviewed if {
	grounds := {"owners": {"RRK"}, "failed": {"priors.outside_window"}}
	answer := verdict.emergency(request, "care/4.1", clause, grounds)
	answer.permit
	answer.reasons == ["break_glass.granted", "relationship.self_claimed"]
	types(answer) == ["notification", "notification", "review"]
}

test_denial_names_the_clause_and_the_step_up if {
	answer := verdict.denial(request, "care/4.1", clause, {"failed": {"assurance.too_low"}, "requestable": false})
	not answer.permit
	answer.reasons == ["assurance.too_low"]
	types(answer) == ["step_up"]
	answer.agreement.clause == "4.1"
}

test_refusal_names_no_clause if {
	answer := verdict.refusal({"subject.unknown", "resource.unknown"})
	not answer.permit
	answer.reasons == ["resource.unknown", "subject.unknown"]
	answer.agreement == null
}
