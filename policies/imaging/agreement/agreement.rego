# METADATA
# title: Agreement
# description: |
#   Finds the clauses that could carry the request: those that the custodian trusts have agreed with the requesting
#   organisation for the stated purpose. The look-up is by party pair and purpose, so its cost does not grow with the
#   number of agreements. A study with several custodians is covered when any one of them agreed.
package imaging.agreement

# METADATA
# description: The custodians each clause speaks for, for the clauses that join requester, custodian and purpose.
owners(index, request) := {key: custodians |
	some custodian in request.resource.custodians
	some key in index[request.subject.ods][custodian][request.purpose]
	custodians := {other |
		some other in request.resource.custodians
		key in index[request.subject.ods][other][request.purpose]
	}
}

# METADATA
# description: True while the clause's agreement is in force at the request's own time; an end of null is open.
in_force(request, clause) if {
	is_number(request.time.epoch)
	is_number(clause.effective_from)
	clause.effective_from <= request.time.epoch
	_not_ended(request.time.epoch, clause.effective_to)
}

# METADATA
# description: Why no clause could be found, told apart so that an officer sees an ended agreement for what it is.
absence(governance, request) := "agreement.not_active" if {
	_ever_agreed(governance, request)
} else := "agreement.none"

_ever_agreed(governance, request) if count(owners(governance.index, request)) > 0

_ever_agreed(governance, request) if count(owners(governance.lapsed, request)) > 0

_not_ended(_, until) if until == null

_not_ended(epoch, until) if {
	is_number(until)
	epoch < until
}
