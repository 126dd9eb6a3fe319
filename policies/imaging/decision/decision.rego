# METADATA
# title: Decision
# description: |
#   Composes the concerns into one answer. Each clause that could carry the request is judged by every concern, which
#   gives the set of reason codes it fails with. The first clause in key order that fails with none permits; otherwise
#   the glass may be broken, by a reason or a grant; otherwise the denial explains the clause that came closest.
package imaging.decision

import data.imaging.action
import data.imaging.agreement
import data.imaging.ai_service
import data.imaging.assurance
import data.imaging.break_glass
import data.imaging.data_items
import data.imaging.device
import data.imaging.freshness
import data.imaging.hours
import data.imaging.opt_out
import data.imaging.priors
import data.imaging.recipients
import data.imaging.relationship
import data.imaging.resource
import data.imaging.revocation
import data.imaging.subject
import data.imaging.training
import data.imaging.verdict

# METADATA
# description: |
#   The answer to `input`: permit, reasons (sorted codes), obligations, the agreement clause it rests on or came
#   closest to, requestable (breaking the glass would open it), and the revision of the policy data it was made with.
# entrypoint: true
default answer := {
	"permit": false,
	"reasons": ["engine.undefined"],
	"obligations": [],
	"agreement": null,
	"requestable": false,
	"revision": "",
}

answer := object.union_n([_verdict, {"revision": data.governance.revision}, freshness.told(_limits, _age)])

# METADATA
# description: The answers to each of `input.requests`, in their order, for a server that is asked once for many.
# entrypoint: true
answers := [one | some request in input.requests; one := answer with input as request]

# An edge is given limits in its bundle, and as of when its revocations hold; the service's own engine neither.
default _limits := null

_limits := data.governance.edge

default _age := null

_age := floor((time.now_ns() / 1000000000) - data.revocations.as_of) if is_number(data.revocations.as_of)

_stale := freshness.failures(_limits, _age)

default _token_revoked := false

_token_revoked if data.revocations.tokens[input.token.digest]
_token_revoked if revocation.ends(data.revocations.ended, input.token)

_refused := union({subject.failures(input), resource.failures(input), revocation.failures(_token_revoked)})

# Looked up down to the keys: an engine may copy what it hands on, and a decision would cost more with each agreement.
_agreed := {custodian: keys |
	some custodian in input.resource.custodians
	keys := data.governance.index[input.subject.ods][custodian][input.purpose]
	count(keys) > 0
}

_lapsed := {custodian: keys |
	some custodian in input.resource.custodians
	keys := data.governance.lapsed[input.subject.ods][custodian][input.purpose]
	count(keys) > 0
}

_owners := {key: custodians |
	count(_refused) == 0
	some key, custodians in agreement.owners(_agreed)
	agreement.in_force(input, data.governance.clauses[key])
	not _ended(key)
}

_ended(key) if {
	clause := data.governance.clauses[key]
	is_object(clause)
	revocation.covers(data.revocations.agreements[clause.agreement], clause)
}

_failures := {key: failed |
	some key, custodians in _owners
	failed := _failed(input, data.governance.clauses[key], custodians)
}

_failed(request, clause, owners) := union({
	action.failures(request, clause),
	ai_service.failures(request, clause, owners),
	assurance.failures(request, clause),
	break_glass.failures(request),
	data_items.failures(request, clause),
	device.failures(request, clause),
	hours.failures(request, clause),
	opt_out.failures(request, clause),
	priors.failures(request, clause),
	recipients.failures(request, clause),
	relationship.failures(request, clause),
	training.failures(request, clause),
})

_permitting := {key | some key, failed in _failures; count(failed) == 0}

_openable := {key: failed |
	some key, failed in _failures
	break_glass.opens(input, data.governance.clauses[key], failed)
}

_broken := {key: failed |
	some key, failed in _openable
	break_glass.broken(input, key, data.governance.clauses[key])
}

_verdict := verdict.refusal(_stale) if {
	count(_stale) > 0
} else := _permit(min(_permitting)) if {
	count(_permitting) > 0
} else := _emergency(_closest(_broken)) if {
	count(_broken) > 0
} else := _deny(_closest(_failures)) if {
	count(_failures) > 0
} else := verdict.refusal(_refused) if {
	count(_refused) > 0
} else := verdict.refusal({agreement.absence(_agreed, _lapsed)})

_permit(key) := verdict.permit(input, key, data.governance.clauses[key], _owners[key])

_emergency(key) := verdict.emergency(input, key, data.governance.clauses[key], {
	"owners": _owners[key],
	"failed": _failures[key],
})

_deny(key) := verdict.denial(input, key, data.governance.clauses[key], {
	"failed": _failures[key],
	"requestable": count(_openable) > 0,
})

# The key of the clause with the fewest failures; key order settles a tie.
_closest(failures) := min({[count(failed), key] | some key, failed in failures})[1]
