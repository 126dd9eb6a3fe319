package imaging.assurance_test

import data.imaging.assurance

request(kind, level) := {"subject": {"type": kind, "assurance": level}}

test_success_at_the_floor if {
	assurance.failures(request("practitioner", 2), {"identity_assurance": 2}) == set()
}

test_success_service if {
	assurance.failures(request("service", null), {"identity_assurance": 2}) == set()
}

test_fail_below_or_unknown if {
	every level in [1, null, "3"] {
		assurance.failures(request("practitioner", level), {"identity_assurance": 2}) == {"assurance.too_low"}
	}
}
