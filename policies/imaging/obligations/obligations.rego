# METADATA
# title: Obligations
# description: |
#   What must be done along with the answer. A permit carries every obligation of its clause, in order, and those that
#   the way it was reached calls for. A denial for weak identity carries the step up that would cure it.
#   Identifiers begin with the clause key and are the same for the same clause.
package imaging.obligations

import data.imaging.break_glass as emergency
import data.imaging.data_items
import data.imaging.resource

# METADATA
# description: The obligations that the clause itself sets.
of_clause(key, clause) := [obligation |
	some place, stated in clause.obligations
	obligation := {
		"id": object.get(stated, "id", concat("/", [key, format_int(place + 1, 10)])),
		"type": stated.type,
		"properties": object.get(stated, "properties", {}),
	}
]

# METADATA
# description: Withhold from the results of a search what the clause does not cover.
filter_results(request, key, clause) := [_generated(key, "filter_results", "filter_results", {
	"modalities": clause.modalities,
	"body_parts": clause.body_parts,
	"excluded_labels": sort(data_items.withheld_labels(clause)),
	"priors_days": clause.priors_days,
})] if {
	resource.open_search(request)
} else := []

# METADATA
# description: Tell the privacy officers that a relationship was self-claimed (activity B0016 of role R0001).
self_claim(request, key, owners) := [_generated(key, "self_claim_alert", "notification", {
	"event": "ig_alert",
	"cause": "relationship.self_claimed",
	"activity": "B0016",
	"notify": ["owner_privacy_officer", "recipient_privacy_officer"],
	"owners": sort(owners),
	"requester": request.subject.ods,
})]

# METADATA
# description: |
#   Tell the owners' privacy officers of the emergency view (activity B0015) and review a share of them. The review
#   names the grant it rests on, null when it rests on a reason.
break_glass(request, key, clause, grounds) := [
	_generated(key, "break_glass_alert", "notification", {
		"event": "ig_alert",
		"cause": "break_glass.granted",
		"activity": "B0015",
		"notify": sort({"owner_privacy_officer"} | {office | some office in clause.break_glass.notify}),
		"owners": sort(grounds.owners),
		"requester": request.subject.ods,
		"minutes": clause.break_glass.minutes,
	}),
	_generated(key, "break_glass_review", "review", {
		"share": clause.break_glass.review_share,
		"minutes": clause.break_glass.minutes,
		"overridden": sort(grounds.failed),
		"approval": emergency.approval(request, key, clause),
	}),
]

# METADATA
# description: Sign in again at the level the clause asks for.
step_up(key, clause, reasons) := [_generated(key, "step_up", "step_up", {
	"identity_assurance": clause.identity_assurance,
})] if {
	"assurance.too_low" in reasons
} else := []

_generated(key, name, type, properties) := {
	"id": concat("/", [key, name]),
	"type": type,
	"properties": properties,
}
