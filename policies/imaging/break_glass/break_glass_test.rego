package imaging.break_glass_test

import data.imaging.break_glass

clause(allowed) := {"break_glass": {"allowed": allowed}}

request(kind, purpose, reason) := {
	"subject": {"type": kind},
	"purpose": purpose,
	"context": {"break_glass_reason": reason},
}

test_purpose_calls_for_it if {
	break_glass.failures({"purpose": "BTG"}) == {"break_glass.required"}
	break_glass.failures({"purpose": "TREAT"}) == set()
}

test_success_opens if {
	break_glass.opens(request("practitioner", "TREAT", "arrest"), clause(true), {"relationship.none"})
}

test_fail_does_not_open if {
	practitioner := request("practitioner", "TREAT", "arrest")
	not break_glass.opens(practitioner, clause(true), set())
	not break_glass.opens(practitioner, clause(true), {"relationship.none", "role.not_covered"})
	not break_glass.opens(practitioner, clause(false), {"relationship.none"})
	not break_glass.opens(request("service", "TREAT", "arrest"), clause(true), {"relationship.none"})
}

test_reasoned if {
	break_glass.reasoned(request("practitioner", "TREAT", "arrest"))
	not break_glass.reasoned(request("practitioner", "TREAT", " \t"))
	not break_glass.reasoned(request("practitioner", "TREAT", null))
}

test_refusal_not_allowed if {
	request_with_reason := request("practitioner", "TREAT", "arrest")
	break_glass.refusals(request_with_reason, clause(false), {"hours.outside"}) == {"break_glass.not_allowed"}
}

test_refusal_no_reason if {
	every attempt in [request("practitioner", "TREAT", ""), request("practitioner", "BTG", null)] {
		break_glass.refusals(attempt, clause(true), {"hours.outside"}) == {"break_glass.no_reason"}
	}
}

test_refusal_nothing_to_add if {
	break_glass.refusals(request("practitioner", "TREAT", null), clause(true), {"hours.outside"}) == set()
	break_glass.refusals(request("practitioner", "TREAT", "arrest"), clause(true), {"role.not_covered"}) == set()
}

granted(grants) := object.union(
	request("practitioner", "TREAT", null),
	{"time": {"epoch": 1000}, "grants": grants},
)

grant(changes) := object.union({"id": "g-1", "clause": "care/1", "since": 900, "until": 1500}, changes)

timed := {"break_glass": {"allowed": true, "minutes": 10}}

test_a_grant_breaks_the_glass_of_its_clause if {
	break_glass.broken(granted([grant({})]), "care/1", timed)
	break_glass.approval(granted([grant({})]), "care/1", timed) == {"id": "g-1", "until": 1500}
}

test_a_grant_of_another_clause_does_not if {
	not break_glass.broken(granted([grant({})]), "care/2", timed)
}

test_a_grant_that_ended_or_is_yet_to_begin_does_not if {
	every changes in [{"until": 1000}, {"since": 1001}, {"since": 400}, {"until": 0}] {
		not break_glass.broken(granted([grant(changes)]), "care/1", timed)
	}
}

test_a_grant_without_its_parts_does_not if {
	every grants in [null, [null], [{}], [{"id": "g-1", "clause": "care/1"}], "g-1"] {
		not break_glass.broken(granted(grants), "care/1", timed)
	}
	not break_glass.broken(request("practitioner", "TREAT", null), "care/1", timed)
}

test_the_clause_of_now_shortens_a_grant if {
	break_glass.approval(granted([grant({"until": 9000})]), "care/1", timed) == {"id": "g-1", "until": 1500}
}

test_the_grant_that_runs_longest_is_named if {
	both := [grant({}), grant({"id": "g-2", "until": 1400})]
	break_glass.approval(granted(both), "care/1", timed).id == "g-1"
}

test_a_stated_reason_goes_before_a_grant if {
	reasoned := object.union(granted([grant({})]), {"context": {"break_glass_reason": "arrest"}})
	break_glass.broken(reasoned, "care/1", timed)
	break_glass.approval(reasoned, "care/1", timed) == null
}
