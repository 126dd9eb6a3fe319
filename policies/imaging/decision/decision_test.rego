package imaging.decision_test

import data.imaging.decision

clause(name, changes) := object.union(
	{
		"agreement": "care",
		"version": 2,
		"clause": name,
		"effective_from": 0,
		"effective_to": 2000,
		"actions": ["read"],
		"roles": ["clinician"],
		"services": [],
		"ai": {},
		"modalities": ["*"],
		"body_parts": ["*"],
		"priors_days": null,
		"excluded_labels": [],
		"sensitive": "break_glass",
		"identity_assurance": 2,
		"managed_device": false,
		"hours": null,
		"relationship": "required",
		"training": false,
		"obligations": [],
		"break_glass": {"allowed": true, "minutes": 30, "notify": [], "review_share": 1},
		"opt_out_applies": false,
		"token_seconds": 60,
		"act_depth": 1,
	},
	changes,
)

governance(clauses) := {
	"revision": "r1",
	"index": {"RKB": {"RRK": {"TREAT": object.keys(clauses)}}},
	"lapsed": {"RKB": {"RRK": {"HRESCH": ["old/1"]}}},
	"clauses": clauses,
}

request := {
	"time": {"epoch": 1000, "minute_of_day": 600},
	"subject": {
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
	},
	"action": "read",
	"purpose": "TREAT",
	"resource": {
		"known": true,
		"custodians": ["RRK"],
		"modality": "CT",
		"body_part": "HEAD",
		"age_days": 0,
		"labels": [],
		"patient_known": true,
	},
	"patient": {"opt_out": null},
	"relationships": [{"kind": "order", "id": "e-1", "age_days": 0}],
	"context": {"break_glass_reason": null, "self_claim_reason": null},
}

answer(clauses, changes) := value if {
	value := decision.answer with input as object.union(request, changes)
		with data.governance as governance(clauses)
}

test_success_first_permitting_clause_in_key_order if {
	clauses := {
		"care/1": clause("1", {"actions": ["search"]}),
		"care/2": clause("2", {}),
		"care/3": clause("3", {}),
	}
	found := answer(clauses, {})
	found.permit
	found.agreement.clause == "2"
	found.revision == "r1"
}

test_fail_explains_the_closest_clause if {
	clauses := {
		"care/1": clause("1", {"actions": ["search"], "roles": []}),
		"care/2": clause("2", {"actions": ["search"]}),
		"care/3": clause("3", {"roles": []}),
	}
	found := answer(clauses, {})
	not found.permit
	found.reasons == ["action.not_covered"]
	found.agreement.clause == "2"
}

test_fail_requestable if {
	found := answer({"care/1": clause("1", {})}, {"relationships": []})
	not found.permit
	found.requestable
	found.reasons == ["relationship.none"]
}

test_success_break_glass if {
	found := answer({"care/1": clause("1", {})}, {"relationships": [], "context": {"break_glass_reason": "arrest"}})
	found.permit
	found.reasons == ["break_glass.granted"]
}

test_success_grant if {
	held := [{"id": "g-1", "clause": "care/1", "since": 900, "until": 1100}]
	found := answer({"care/1": clause("1", {})}, {"relationships": [], "grants": held})
	found.permit
	found.reasons == ["break_glass.granted"]
}

test_fail_grant_opens_no_other_failure if {
	held := [{"id": "g-1", "clause": "care/1", "since": 900, "until": 1100}]
	found := answer({"care/1": clause("1", {"roles": []})}, {"relationships": [], "grants": held})
	not found.permit
}

test_fail_grant_of_another_clause if {
	held := [{"id": "g-1", "clause": "care/9", "since": 900, "until": 1100}]
	found := answer({"care/1": clause("1", {})}, {"relationships": [], "grants": held})
	not found.permit
	found.requestable
}

test_fail_lapsed if {
	answer({"care/1": clause("1", {})}, {"purpose": "HRESCH"}).reasons == ["agreement.not_active"]
}

test_fail_not_in_force if {
	answer({"care/1": clause("1", {})}, {"time": {"epoch": 2000}}).reasons == ["agreement.not_active"]
}

test_fail_no_agreement if {
	answer({"care/1": clause("1", {})}, {"purpose": "HQUALIMP"}).reasons == ["agreement.none"]
}

test_fail_refused_before_any_agreement if {
	found := answer({"care/1": clause("1", {})}, {"resource": {"custodians": []}, "subject": {"known": false}})
	found.reasons == ["resource.no_owner", "subject.unknown"]
	found.agreement == null
}

test_fail_garbage if {
	every junk in [null, 7, "junk", [], {"subject": []}, {"resource": {"custodians": 7}}] {
		found := decision.answer with input as junk with data.governance as governance({})
		not found.permit
	}
}

test_fail_no_data if {
	found := decision.answer with input as request with data.governance as {}
	not found.permit
	found.reasons == ["engine.undefined"]
}

test_fail_revoked_since if {
	clauses := {"care/1": clause("1", {}), "care/2": clause("2", {})}
	found := answer(clauses, {}) with data.revocations as {"agreements": {"care": 2}}
	not found.permit
	found.reasons == ["agreement.not_active"]
}

test_success_newer_than_what_was_revoked if {
	found := answer({"care/1": clause("1", {})}, {}) with data.revocations as {"agreements": {"care": 1}}
	found.permit
	not "age_seconds" in object.keys(found)
}

test_fail_revoked_token if {
	asked := {"token": {"digest": "ab12"}}
	found := answer({"care/1": clause("1", {})}, asked) with data.revocations as {"tokens": {"ab12": 1}}
	found.reasons == ["token.revoked"]
}

test_fail_token_of_a_client_that_ended if {
	asked := {"token": {"rests_on": ["ab12"], "issued_at": 7}}
	found := answer({"care/1": clause("1", {})}, asked) with data.revocations as {"ended": {"ab12": 7}}
	found.reasons == ["token.revoked"]
}

test_success_token_of_a_client_that_ended_before if {
	asked := {"token": {"rests_on": ["ab12"], "issued_at": 8}}
	found := answer({"care/1": clause("1", {})}, asked) with data.revocations as {"ended": {"ab12": 7}}
	found.permit
}

test_success_each_of_several if {
	asked := [request, object.union(request, {"action": "read_report"}), request]
	agreed := governance({"care/1": clause("1", {})})
	found := decision.answers with input as {"requests": asked} with data.governance as agreed
	[one.permit | some one in found] == [true, false, true]
	found[0] == answer({"care/1": clause("1", {})}, {})
}

test_success_each_of_none if {
	decision.answers == [] with input as {"requests": []}
}

at_edge(revocations) := found if {
	limited := object.union(governance({"care/1": clause("1", {})}), {"edge": {"stale_after": 60}})
	found := decision.answer with input as request with data.governance as limited with data.revocations as revocations
}

test_success_fresh_at_an_edge if {
	found := at_edge({"as_of": floor(time.now_ns() / 1000000000)})
	found.permit
	found.age_seconds <= 60
}

test_fail_stale_at_an_edge if {
	at_edge({"as_of": 1000}).reasons == ["policy.stale"]
	at_edge({}).reasons == ["policy.stale"]
	at_edge({}).age_seconds == null
}
