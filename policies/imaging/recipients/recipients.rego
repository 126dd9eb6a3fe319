# METADATA
# title: Recipients
# description: |
#   A clause names who may receive: people by their role, services and AI services by their identifier.
#   Any other kind of subject is covered by no clause.
package imaging.recipients

# METADATA
# description: The reason codes for which the subject is not among the clause's recipients.
failures(request, clause) := {"role.not_covered" | not _named(request.subject, clause)}

_named(subject, clause) if {
	subject.type == "practitioner"
	subject.role in clause.roles
}

_named(subject, clause) if {
	subject.type == "service"
	subject.id in clause.services
}

_named(subject, clause) if {
	subject.type == "ai_service"
	is_object(clause.ai[subject.id])
}
