package imaging.training_test

import data.imaging.training

request(kind, valid) := {"subject": {"type": kind, "training_valid": valid}}

test_success if {
	training.failures(request("practitioner", true), {"training": true}) == set()
	training.failures(request("practitioner", false), {"training": false}) == set()
	training.failures(request("ai_service", null), {"training": true}) == set()
}

test_fail_expired if {
	training.failures(request("practitioner", false), {"training": true}) == {"training.expired"}
}

test_fail_unknown if {
	training.failures(request("practitioner", null), {"training": true}) == {"training.unknown"}
	training.failures({"subject": {"type": "practitioner"}}, {"training": true}) == {"training.unknown"}
}
