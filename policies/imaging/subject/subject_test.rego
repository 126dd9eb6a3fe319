package imaging.subject_test

import data.imaging.subject

test_success_known if {
	subject.failures({"subject": {"known": true, "organisation_known": true}}) == set()
}

test_fail_unknown if {
	subject.failures({"subject": {"known": false, "organisation_known": true}}) == {"subject.unknown"}
	subject.failures({"subject": {"known": true, "organisation_known": null}}) == {"subject.organisation_unknown"}
	subject.failures({}) == {"subject.organisation_unknown", "subject.unknown"}
}

test_practitioner if {
	subject.practitioner({"subject": {"type": "practitioner"}})
	not subject.practitioner({"subject": {"type": "service"}})
	not subject.practitioner({})
}
