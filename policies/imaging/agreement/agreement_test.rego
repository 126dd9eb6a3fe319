package imaging.agreement_test

import data.imaging.agreement

agreed := {
	"RRK": ["care/1", "pool/1"],
	"RL4": ["care/1"],
}

test_success_every_custodian_that_agreed if {
	agreement.owners(agreed) == {
		"care/1": {"RL4", "RRK"},
		"pool/1": {"RRK"},
	}
}

test_fail_nobody_agreed if {
	agreement.owners({}) == {}
}

test_success_in_force if {
	agreement.in_force({"time": {"epoch": 5}}, {"effective_from": 5, "effective_to": 6})
	agreement.in_force({"time": {"epoch": 5}}, {"effective_from": 1, "effective_to": null})
}

test_fail_out_of_force if {
	not agreement.in_force({"time": {"epoch": 4}}, {"effective_from": 5, "effective_to": 6})
	not agreement.in_force({"time": {"epoch": 6}}, {"effective_from": 5, "effective_to": 6})
	not agreement.in_force({"time": {"epoch": "5"}}, {"effective_from": 5, "effective_to": 6})
	not agreement.in_force({"time": {"epoch": null}}, {"effective_from": 5, "effective_to": null})
}

test_absence_none if {
	agreement.absence({}, {}) == "agreement.none"
}

test_absence_lapsed if {
	agreement.absence({}, agreed) == "agreement.not_active"
}

test_absence_out_of_force if {
	agreement.absence(agreed, {}) == "agreement.not_active"
}
