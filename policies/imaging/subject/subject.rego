# METADATA
# title: Subject
# description: |
#   Who asks must be known to the federation, and act for an organisation that belongs to it. Nothing about
#   an agreement is looked at before that holds, so these failures can never be broken open.
# authors:
#   - Imaging governance
package imaging.subject

# METADATA
# description: The reason codes for which this request's subject is refused outright; empty when it is known.
failures(request) := unknown_organisation | unknown_subject if {
	unknown_organisation := {"subject.organisation_unknown" | not request.subject.organisation_known == true}
	unknown_subject := {"subject.unknown" | not request.subject.known == true}
}

# METADATA
# description: True for a person; only a person can break the glass, claim a relationship or be trained.
practitioner(request) if request.subject.type == "practitioner"
