package imaging.action_test

import data.imaging.action

test_success_listed if {
	action.failures({"action": "read"}, {"actions": ["read", "search"]}) == set()
}

test_fail_not_listed if {
	action.failures({"action": "export"}, {"actions": ["read"]}) == {"action.not_covered"}
}

test_fail_missing if {
	action.failures({}, {"actions": ["read"]}) == {"action.not_covered"}
}
