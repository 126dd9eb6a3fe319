# METADATA
# title: Filter
# description: |
#   Which studies a subject may be shown, told before any study is known: a list is one filter, not a decision a study.
#   Everything that is known stands in `input.request`, in the shape of the decision's own input; a list carries no
#   reason of a person's, so in it the glass is never broken and no relationship claimed.
package imaging.filter

import data.imaging.agreement
import data.imaging.openings
import data.imaging.subject

# METADATA
# description: |
#   What `include` is made of, for an engine that cannot evaluate in part: by clause, what it asks of a study; and the
#   revision of the policy data it was made with.
# entrypoint: true
default answer := {"revision": "", "openings": {}}

answer := {"revision": data.governance.revision, "openings": _openings}

# METADATA
# description: |
#   True for a study that a clause opens; OPA's Compile API makes of it a condition over `input.study`. Its fields may
#   hold several values, and then hold a comparison when any of them does. `input.study.clause` makes a condition name
#   its clause, `input.study.revision` the policy data: a filter that opens nothing still says what it was made with.
# entrypoint: true
include if input.study.revision == data.governance.revision

include if {
	some key, terms in _openings
	input.study.clause == key
	input.study.custodian in terms.custodians
	not input.study.label in terms.labels
	_modality(terms)
	_body_part(terms)
	_tied(terms)
	_recent(terms)
	_consented(terms)
}

_openings[key] := openings.terms(input.request, data.governance.clauses[key], owners) if {
	count(subject.failures(input.request)) == 0
	some key, owners in agreement.owners(_agreed)
	openings.possible(input.request, data.governance.clauses[key])
}

_agreed := {custodian: keys |
	some custodian, by_purpose in data.governance.index[input.request.subject.ods]
	keys := by_purpose[input.request.purpose]
	count(keys) > 0
}

_modality(terms) if terms.modalities == null

_modality(terms) if {
	terms.modalities != null
	input.study.modality in terms.modalities
}

_body_part(terms) if terms.body_parts == null

_body_part(terms) if {
	terms.body_parts != null
	input.study.body_part in terms.body_parts
}

_tied(terms) if terms.ties == null

_tied(terms) if {
	terms.ties != null
	input.study.tie in terms.ties
}

_recent(terms) if terms.priors_days == null

_recent(terms) if {
	terms.priors_days != null
	input.study.own_tie in terms.prior_kinds
}

_recent(terms) if {
	is_number(terms.priors_days)
	input.study.age_days <= terms.priors_days
}

_recent(terms) if {
	is_number(terms.priors_days)
	some kind in terms.prior_kinds
	input.study[concat("_", ["age_days_before", kind])] <= terms.priors_days
}

_consented(terms) if terms.consent == false

_consented(terms) if {
	terms.consent == true
	input.study.opt_out == false
}
