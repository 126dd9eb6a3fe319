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
failures(request, clause, owners) := standing(request, clause) if {
	not _bound(request)
} else := union({
	standing(request, clause),
	{"ai.modality" | some stated in terms(request, clause); not _modality_covered(request, stated)},
	{"ai.body_part" | some stated in terms(request, clause); not _body_part_covered(request, stated)},
	{"ai.trust" | not _serves_any(request, owners)},
})

# METADATA
# description: Those of the reason codes that do not depend on the study.
standing(request, clause) := set() if {
	_unjudged(request)
} else := {"ai.no_manifest"} if {
	not _has_manifest(request)
} else := union({
	{"ai.not_approved" | not _approved(request)},
	{"ai.version" | some stated in terms(request, clause); not _version_listed(request, stated)},
	{"ai.volume" | some stated in terms(request, clause); not _below_volume(request, stated)},
})

# METADATA
# description: |
#   What an AI service is held to besides the clause's own data items: its manifest, and what the clause says of it;
#   empty for people and plain services. A clause that does not name the service is left out: `role.not_covered` says
#   that already.
terms(request, clause) := [request.subject.ai.manifest, clause.ai[request.subject.id]] if {
	_bound(request)
	is_object(clause.ai[request.subject.id])
} else := [request.subject.ai.manifest] if {
	_bound(request)
} else := []

_bound(request) if {
	not _unjudged(request)
	_has_manifest(request)
}

_unjudged(request) if request.subject.type in {"practitioner", "service"}

_has_manifest(request) if is_object(request.subject.ai.manifest)

_approved(request) if {
	request.subject.ai.approved == true
	request.purpose in request.subject.ai.manifest.purposes
}

_version_listed(request, terms) if request.subject.ai.version in terms.versions

_modality_covered(request, terms) if data_items.covers(terms.modalities, request.resource.modality)

_body_part_covered(request, terms) if data_items.covers(terms.body_parts, request.resource.body_part)

_serves_any(request, owners) if {
	some owner in owners
	owner in request.subject.ai.manifest.trusts
}

_below_volume(request, terms) if {
	is_number(request.subject.ai.reads_today)
	is_number(terms.daily_volume)
	request.subject.ai.reads_today < terms.daily_volume
}
