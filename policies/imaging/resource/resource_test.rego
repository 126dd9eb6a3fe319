package imaging.resource_test

import data.imaging.resource

request(action, known, custodians) := {
	"action": action,
	"resource": {"known": known, "custodians": custodians},
}

test_success_owned if {
	resource.failures(request("read", true, ["RRK"])) == set()
}

test_success_open_search if {
	resource.failures(request("search", false, ["RRK"])) == set()
	resource.open_search(request("search", false, ["RRK"]))
}

test_fail_no_owner if {
	resource.failures(request("read", true, [])) == {"resource.no_owner"}
	resource.failures(request("read", true, [""])) == {"resource.no_owner"}
}

test_fail_unknown if {
	resource.failures(request("read", false, ["RRK"])) == {"resource.unknown"}
	resource.failures(request("search", false, [])) == {"resource.unknown"}
	resource.failures(request("search", null, ["RRK"])) == {"resource.unknown"}
	resource.failures({}) == {"resource.unknown"}
}
