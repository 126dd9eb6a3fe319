# METADATA
# title: Recipients
# description: |
#   A clause names who may receive: people by their role, services and AI services by their identifier.
#   Any other kind of subject is covered by no clause.
package imaging.recipients

# METADATA
# description: The reason codes for which the subject is not among the clause's recipients.
failures(request, clause) := {"role.not_covered" | not _named(request, clause)}

_named(request, clause) if {
	request.subject.type == "practitioner"
	request.subject.role in clause.roles
}

_named(request, clause) if {
	request.subject.type == "service"
	request.subject.id in clause.services
}

_named(request, clause) if {
	request.subject.type == "ai_service"
	is_object(clause.ai[request.subject.id])
}
