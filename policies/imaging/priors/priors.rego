# METADATA
# title: Priors
# description: |
#   Earlier studies follow a current relationship for the clause's window. The window is counted back from the start of
#   the oldest tie to the patient, so a study made within an episode of care is no prior of that episode. Nor is a study
#   that a tie names, such as one on today's worklist.
package imaging.priors

import data.imaging.resource

# METADATA
# description: The reason codes for which the study is too old; an open search is judged by its results.
failures(request, clause) := {"priors.outside_window" | not _within(request, clause)}

# METADATA
# description: |
#   Kinds of tie that move the window. A rota or a pool is a tie to a place, not to this patient, so it moves none.
care_kinds := {"episode", "mdt", "order", "referral", "report", "worklist"}

_within(request, _) if resource.open_search(request)

_within(_, clause) if clause.priors_days == null

_within(request, _) if {
	some tie in request.relationships
	tie.of_study == true
	tie.kind in care_kinds
}

_within(request, clause) if {
	is_number(clause.priors_days)
	is_number(request.resource.age_days)
	request.resource.age_days - _care_began(request) <= clause.priors_days
}

_care_began(request) := max({0} | {days |
	some tie in request.relationships
	tie.kind in care_kinds
	days := tie.age_days
	is_number(days)
})
