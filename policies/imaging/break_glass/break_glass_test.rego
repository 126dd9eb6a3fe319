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
