package imaging.freshness_test

import data.imaging.freshness

limits := {"stale_after": 100}

test_success_no_limit_where_there_is_no_edge if {
	freshness.failures(null, null) == set()
	freshness.told(null, null) == {}
}

test_success_fresh if {
	every age in [-100, 0, 100] {
		freshness.failures(limits, age) == set()
		freshness.told(limits, age) == {"age_seconds": age}
	}
}

test_fail_past_the_limit_on_either_side if {
	every age in [-101, 101] {
		freshness.failures(limits, age) == {"policy.stale"}
	}
}

test_fail_an_age_or_a_limit_that_nobody_knows if {
	freshness.failures(limits, null) == {"policy.stale"}
	freshness.failures(limits, "young") == {"policy.stale"}
	freshness.failures({}, 1) == {"policy.stale"}
	freshness.failures({"stale_after": "always"}, 1) == {"policy.stale"}
	object.get(freshness.told(limits, null), "age_seconds", 0) == null
}
