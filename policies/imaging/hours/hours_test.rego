package imaging.hours_test

import data.imaging.hours

at(minute) := {"time": {"minute_of_day": minute}}

window(from, to) := {"hours": {"from_minute": from, "to_minute": to}}

test_success_no_hours if {
	hours.failures(at(3), {"hours": null}) == set()
}

test_success_within_day if {
	every minute in [480, 1079] {
		hours.failures(at(minute), window(480, 1080)) == set()
	}
}

test_success_past_midnight if {
	every minute in [1320, 1439, 0, 359] {
		hours.failures(at(minute), window(1320, 360)) == set()
	}
}

test_fail_outside_day if {
	every minute in [479, 1080, null, "600"] {
		hours.failures(at(minute), window(480, 1080)) == {"hours.outside"}
	}
}

test_fail_outside_night if {
	every minute in [360, 1319] {
		hours.failures(at(minute), window(1320, 360)) == {"hours.outside"}
	}
}

test_fail_empty_window if {
	hours.failures(at(600), window(600, 600)) == {"hours.outside"}
}
