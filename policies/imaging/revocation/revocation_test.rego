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

ended := {"ab": 100}

test_success_ended_with_what_it_rests_on if {
	revocation.ends(ended, {"rests_on": ["cd", "ab"], "issued_at": 100})
	revocation.ends({"*": 100}, {"rests_on": [], "issued_at": 99})
	revocation.ends({"*": 100}, {"digest": "ef"})
	revocation.ends(ended, {"rests_on": ["ab"], "issued_at": "101"})
}

test_fail_later_or_of_something_else if {
	not revocation.ends(ended, {"rests_on": ["ab"], "issued_at": 101})
	not revocation.ends(ended, {"rests_on": ["cd"], "issued_at": 1})
	not revocation.ends(ended, {"digest": "ef"})
	not revocation.ends({}, {"rests_on": ["ab"], "issued_at": 1})
	not revocation.ends({"ab": null}, {"rests_on": ["ab"], "issued_at": 1})
}

test_failures if {
	revocation.failures(true) == {"token.revoked"}
	revocation.failures(false) == set()
}
