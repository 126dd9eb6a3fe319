# METADATA
# title: Identity assurance
# description: |
#   A person signs in at least as strongly as the clause asks. A service proves its key instead, so the floor is for
#   people.
package imaging.assurance

import data.imaging.subject

# METADATA
# description: The reason codes for which the person's identity assurance is below the clause's floor.
failures(request, clause) := {"assurance.too_low" |
	subject.practitioner(request)
	not _sufficient(request, clause)
}

_sufficient(request, clause) if {
	is_number(request.subject.assurance)
	is_number(clause.identity_assurance)
	request.subject.assurance >= clause.identity_assurance
}
