package imaging.priors_test

import data.imaging.priors

request(age, ties) := {
	"action": "read",
	"resource": {"known": true, "age_days": age},
	"relationships": ties,
}

clause := {"priors_days": 365}

test_success_within_window if {
	priors.failures(request(365, []), clause) == set()
}

test_success_no_limit if {
	priors.failures(request(9999, []), {"priors_days": null}) == set()
}

test_success_within_a_long_episode if {
	priors.failures(request(700, [{"kind": "episode", "age_days": 400}]), clause) == set()
}

test_success_study_on_a_worklist if {
	priors.failures(request(700, [{"kind": "worklist", "age_days": 1, "of_study": true}]), clause) == set()
}

test_success_open_search if {
	priors.failures({"action": "search", "resource": {"known": false, "age_days": null}}, clause) == set()
}

test_fail_before_window if {
	priors.failures(request(366, []), clause) == {"priors.outside_window"}
	priors.failures(request(766, [{"kind": "episode", "age_days": 400}]), clause) == {"priors.outside_window"}
}

test_fail_tie_to_a_place_moves_no_window if {
	priors.failures(request(700, [{"kind": "rota", "age_days": 4000}]), clause) == {"priors.outside_window"}
}

test_fail_age_unknown if {
	priors.failures(request(null, []), clause) == {"priors.outside_window"}
}
