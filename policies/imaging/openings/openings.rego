# METADATA
# title: Openings
# description: |
#   What a clause asks of a study, told before the study is known. The request is judged by the decision's own concerns
#   for all that is known of it; what they would ask of a study is given as lists, for the filter to compare.
package imaging.openings

import data.imaging.action
import data.imaging.agreement
import data.imaging.ai_service
import data.imaging.assurance
import data.imaging.break_glass
import data.imaging.data_items
import data.imaging.device
import data.imaging.hours
import data.imaging.opt_out
import data.imaging.priors
import data.imaging.recipients
import data.imaging.relationship
import data.imaging.training

# METADATA
# description: True when nothing that is known keeps the clause closed, so that only the study can.
possible(request, clause) if {
	agreement.in_force(request, clause)
	count(_failed(request, clause)) == 0
}

# METADATA
# description: |
#   What the clause asks of a study: one of the custodians it speaks for, of the modalities and the body parts (null is
#   all), none of the labels, one of the kinds of tie (null is none asked), and an age within the days of priors (null
#   is all), whose window the named kinds of tie move. `consent`: the patient is known not to have opted out.
terms(request, clause, owners) := {
	"custodians": _custodians(request, owners),
	"modalities": _narrowest([listed | some held in held_to; listed := held.modalities]),
	"body_parts": _narrowest([listed | some held in held_to; listed := held.body_parts]),
	"labels": sort(data_items.withheld_labels(clause)),
	"ties": _ties(request, clause),
	"priors_days": clause.priors_days,
	"prior_kinds": sort(priors.care_kinds),
	"consent": _consent(request, clause),
} if {
	held_to := array.concat([clause], ai_service.terms(request, clause))
}

_failed(request, clause) := union({
	action.failures(request, clause),
	ai_service.standing(request, clause),
	assurance.failures(request, clause),
	break_glass.failures(request),
	device.failures(request, clause),
	hours.failures(request, clause),
	recipients.failures(request, clause),
	training.failures(request, clause),
})

_custodians(request, owners) := sort(owners) if {
	request.subject.type in {"practitioner", "service"}
} else := sort({owner | some owner in owners; owner in request.subject.ai.manifest.trusts})

# What every one of some lists covers, as one list.
_narrowest(lists) := null if {
	count(_closed(lists)) == 0
} else := sort(intersection(_closed(lists)))

_closed(lists) := {items |
	some list in lists
	not _all(list)
	items := {item | some item in list}
}

_all(list) if "*" in list

_ties(request, clause) := null if {
	clause.relationship == "not_required"
} else := sort(relationship.kinds(request)) if {
	clause.relationship in {"required", "self_claim"}
} else := []

_consent(request, clause) := false if {
	opt_out.exempt(request, clause)
} else := true
