package imaging.relationship_test

import data.imaging.relationship

request(purpose, kinds, claim) := {
	"subject": {"type": "practitioner"},
	"purpose": purpose,
	"relationships": [{"kind": kind, "id": "e", "age_days": 0} | some kind in kinds],
	"context": {"self_claim_reason": claim},
}

clause(condition) := {"relationship": condition}

test_success_not_required if {
	relationship.failures(request("TREAT", [], null), clause("not_required")) == set()
}

test_success_every_care_kind if {
	every kind in relationship.care_kinds {
		relationship.failures(request("TREAT", [kind], null), clause("required")) == set()
	}
}

test_success_project_for_research if {
	relationship.failures(request("HRESCH", ["project"], null), clause("required")) == set()
}

test_success_self_claim if {
	relationship.failures(request("TREAT", [], "on call"), clause("self_claim")) == set()
	relationship.self_claimed(request("TREAT", [], "on call"), clause("self_claim"))
}

test_success_tie_needs_no_claim if {
	relationship.failures(request("TREAT", ["order"], "on call"), clause("self_claim")) == set()
	not relationship.self_claimed(request("TREAT", ["order"], "on call"), clause("self_claim"))
}

test_fail_none if {
	relationship.failures(request("TREAT", [], null), clause("required")) == {"relationship.none"}
	relationship.failures(request("TREAT", ["pool"], null), clause("required")) == {"relationship.none"}
	relationship.failures(request("TREAT", ["project"], null), clause("required")) == {"relationship.none"}
}

test_fail_claim_where_a_tie_is_required if {
	relationship.failures(request("TREAT", [], "on call"), clause("required")) == {"relationship.none"}
}

test_fail_blank_claim if {
	relationship.failures(request("TREAT", [], " "), clause("self_claim")) == {"relationship.none"}
}

test_fail_claim_by_a_service if {
	service := object.union(request("TREAT", [], "batch"), {"subject": {"type": "service"}})
	relationship.failures(service, clause("self_claim")) == {"relationship.none"}
}

test_fail_condition_unknown if {
	relationship.failures(request("TREAT", ["order"], "x"), clause("whatever")) == {"relationship.none"}
}
