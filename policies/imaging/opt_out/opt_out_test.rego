package imaging.opt_out_test

import data.imaging.opt_out

request(purpose, status) := {"purpose": purpose, "patient": {"opt_out": status}}

test_success_direct_care if {
	every purpose in ["TREAT", "ETREAT", "BTG", "CAREMGT", "PATRQT"] {
		opt_out.failures(request(purpose, true), {"opt_out_applies": true}) == set()
	}
}

test_success_exempt if {
	opt_out.failures(request("PUBHLTH", true), {"opt_out_applies": false}) == set()
}

test_success_not_opted_out if {
	opt_out.failures(request("HRESCH", false), {"opt_out_applies": true}) == set()
}

test_fail_applies if {
	opt_out.failures(request("HRESCH", true), {"opt_out_applies": true}) == {"opt_out.applies"}
}

test_fail_unknown if {
	opt_out.failures(request("HRESCH", null), {"opt_out_applies": true}) == {"opt_out.unknown"}
	opt_out.failures({"purpose": "HRESCH"}, {"opt_out_applies": true}) == {"opt_out.unknown"}
}
