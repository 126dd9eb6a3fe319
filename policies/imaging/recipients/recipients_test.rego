package imaging.recipients_test

import data.imaging.recipients

clause := {"roles": ["clinician"], "services": ["viewer"], "ai": {"ich-triage": {"versions": []}}}

request(kind, id, role) := {"subject": {"type": kind, "id": id, "role": role}}

test_success_named if {
	recipients.failures(request("practitioner", "s-1", "clinician"), clause) == set()
	recipients.failures(request("service", "viewer", "service"), clause) == set()
	recipients.failures(request("ai_service", "ich-triage", "ai_service"), clause) == set()
}

test_fail_not_named if {
	every subject in [
		request("practitioner", "s-1", "nurse"),
		request("practitioner", "viewer", null),
		request("service", "archive", "clinician"),
		request("ai_service", "pe-triage", "clinician"),
		request("robot", "viewer", "clinician"),
		{"subject": null},
	] {
		recipients.failures(subject, clause) == {"role.not_covered"}
	}
}
