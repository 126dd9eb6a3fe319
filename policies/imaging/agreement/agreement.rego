# METADATA
# title: Agreement
# description: |
#   Finds the clauses that could carry the request: those that the custodian trusts have agreed with the requesting
#   organisation for the stated purpose. A study with several custodians is covered when any one of them agreed.
package imaging.agreement

# METADATA
# description: The custodians each clause speaks for, of `agreed`, the clause keys by custodian.
owners(agreed) := {key: custodians |
	some keys in agreed
	some key in keys
	custodians := {custodian |
		some custodian, found in agreed
		key in found
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
# description: |
#   Why no clause could be found, told apart so that an officer sees an ended agreement for what it is. `agreed` and
#   `lapsed` are the clause keys by custodian of active and of ended agreements.
absence(agreed, lapsed) := "agreement.not_active" if {
	count(agreed) + count(lapsed) > 0
} else := "agreement.none"

_not_ended(_, until) if until == null

_not_ended(epoch, until) if {
	is_number(until)
	epoch < until
}
