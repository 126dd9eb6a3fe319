# METADATA
# title: Break-glass
# description: |
#   A person may open what is closed to them in an emergency, by giving a reason, where the clause allows it and nothing
#   but the failures listed here stands in the way. The owner trusts are told and a share of the uses is reviewed.
#   The purpose BTG is a request to break the glass, so it always needs one. A grant of minutes stands in for the
#   reason: it was given for one, to this person, for this study, action and purpose, under one clause. What the clause
#   says of its minutes now bounds a grant that was given before.
package imaging.break_glass

import data.imaging.subject

# METADATA
# description: Failures that breaking the glass overrides; every other one stays closed.
overridable := {"break_glass.required", "hours.outside", "priors.outside_window", "relationship.none"}

# METADATA
# description: The reason codes for which the purpose itself calls for breaking the glass.
failures(request) := {"break_glass.required" | request.purpose == "BTG"}

# METADATA
# description: True when breaking the glass would open the clause in spite of its failures.
opens(request, clause, failed) if {
	count(failed) > 0
	count(failed - overridable) == 0
	_available(request, clause)
}

# METADATA
# description: True when the request breaks the glass by stating a reason.
reasoned(request) if {
	is_string(request.context.break_glass_reason)
	trim_space(request.context.break_glass_reason) != ""
}

# METADATA
# description: True when the request breaks the glass of a clause, by a reason or by a grant that still runs.
broken(request, _, _) if reasoned(request)

broken(request, key, clause) if count(grants(request, key, clause)) > 0

# METADATA
# description: The grants under a clause that still run, each as [end in epoch seconds, id].
grants(request, key, clause) := {[until, id] |
	some grant in request.grants
	grant.clause == key
	is_number(grant.since)
	is_number(grant.until)
	id := grant.id
	is_string(id)
	until := min({grant.until, grant.since + (clause.break_glass.minutes * 60)})
	grant.since <= request.time.epoch
	request.time.epoch < until
}

# METADATA
# description: The grant that an emergency rests on, the one that runs longest; null when a reason was stated.
approval(request, key, clause) := {"id": longest[1], "until": longest[0]} if {
	not reasoned(request)
	count(grants(request, key, clause)) > 0
	longest := max(grants(request, key, clause))
} else := null

# METADATA
# description: What to add to a denial so that a person who tried to break the glass sees why it stayed closed.
refusals(request, clause, failed) := {"break_glass.not_allowed"} if {
	reasoned(request)
	count(failed - overridable) == 0
	not _available(request, clause)
} else := {"break_glass.no_reason"} if {
	_attempted(request)
	not reasoned(request)
	opens(request, clause, failed)
} else := set()

_available(request, clause) if {
	subject.practitioner(request)
	clause.break_glass.allowed == true
}

_attempted(request) if request.purpose == "BTG"

_attempted(request) if is_string(request.context.break_glass_reason)
