package imaging.revocation_test

import data.imaging.revocation

test_success_every_version_up_to_the_one_that_ended if {
	every version in [1, 2] {
		revocation.covers(2, {"version": version})
	}
}

test_fail_newer_version_or_no_number if {
	not revocation.covers(2, {"version": 3})
	not revocation.covers(null, {"version": 3})
	not revocation.covers("9", {"version": 3})
}

test_failures if {
	revocation.failures(true) == {"token.revoked"}
	revocation.failures(false) == set()
}
