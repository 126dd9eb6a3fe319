# METADATA
# title: AI service
# description: |
#   An AI service acts under its manifest and under the clause, whichever is narrower: an approved version, modality,
#   body part, custodian trust, purpose, and a number of reads a day. People and plain services are not judged here.
package imaging.ai_service

import data.imaging.data_items

# METADATA
# description: |
#   The reason codes for which the AI service is outside its manifest or the clause. `owners` are the custodians
#   that the clause speaks for.
failures(request, clause, owners) := set() if {
	request.subject.type in {"practitioner", "service"}
} else := {"ai.no_manifest"} if {
	not is_object(request.subject.ai.manifest)
} else := union({
	_approval(request),
	_version(request, clause),
	_data(request, clause),
	_trust(request, owners),
	_volume(request, clause),
})

_approval(request) := {"ai.not_approved" | not _approved(request.subject.ai, request.purpose)}

_approved(ai, purpose) if {
	ai.approved == true
	purpose in ai.manifest.purposes
}

_version(request, clause) := {"ai.version" |
	some terms in _terms(request, clause)
	not request.subject.ai.version in terms.versions
}

_data(request, clause) := modality | body_part if {
	modality := {"ai.modality" |
		some terms in _terms(request, clause)
		not data_items.covers(terms.modalities, request.resource.modality)
	}
	body_part := {"ai.body_part" |
		some terms in _terms(request, clause)
		not data_items.covers(terms.body_parts, request.resource.body_part)
	}
}

_trust(request, owners) := {"ai.trust" | not _serves_any(request.subject.ai.manifest, owners)}

_serves_any(manifest, owners) if {
	some owner in owners
	owner in manifest.trusts
}

_volume(request, clause) := {"ai.volume" |
	some terms in _terms(request, clause)
	not _below(request.subject.ai.reads_today, terms.daily_volume)
}

_below(reads, limit) if {
	is_number(reads)
	is_number(limit)
	reads < limit
}

# The clause's own terms are left out when it does not name the service: `role.not_covered` says that already.
_terms(request, clause) := [request.subject.ai.manifest, clause.ai[request.subject.id]] if {
	is_object(clause.ai[request.subject.id])
} else := [request.subject.ai.manifest]
