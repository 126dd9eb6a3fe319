# METADATA
# title: Legitimate relationship
# description: |
#   Where a clause requires it, the subject needs a current tie to the patient: an order, referral, worklist, report,
#   MDT list, rota or episode, or a project for purposes beyond direct care. Membership of a reporting pool is no tie to
#   a patient. Under `self_claim` a person may instead state one with a reason, which the privacy officer is told of.
package imaging.relationship

import data.imaging.subject

# METADATA
# description: Kinds that tie a subject to a patient's care.
care_kinds := {"episode", "mdt", "order", "referral", "report", "rota", "worklist"}

# METADATA
# description: Purposes whose legitimate relationship may be a project.
project_purposes := {"HQUALIMP", "HRESCH", "PUBHLTH", "TRAIN"}

# METADATA
# description: The kinds of tie that make a relationship legitimate for the request's purpose.
kinds(request) := care_kinds | {"project" | request.purpose in project_purposes}

# METADATA
# description: The reason codes for which the clause's relationship condition is not met.
failures(request, clause) := {"relationship.none" | not _satisfied(request, clause)}

# METADATA
# description: True when the condition is met by the person's own claim and by nothing else.
self_claimed(request, clause) if {
	clause.relationship == "self_claim"
	not _legitimate(request)
	_claimed(request)
}

_satisfied(_, clause) if clause.relationship == "not_required"

_satisfied(request, clause) if {
	clause.relationship in {"required", "self_claim"}
	_legitimate(request)
}

_satisfied(request, clause) if {
	clause.relationship == "self_claim"
	_claimed(request)
}

_legitimate(request) if {
	some tie in request.relationships
	tie.kind in kinds(request)
}

_claimed(request) if {
	subject.practitioner(request)
	is_string(request.context.self_claim_reason)
	trim_space(request.context.self_claim_reason) != ""
}
