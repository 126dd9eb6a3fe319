# METADATA
# title: National data opt-out
# description: |
#   An opt-out applies to uses beyond the person's own care, where the clause does not record an exemption. A status
#   that is not known counts against release. It never stands in the way of care or of the person's own request.
package imaging.opt_out

# METADATA
# description: Purposes that serve the person's own care, or answer the person.
direct_care := {"BTG", "CAREMGT", "ETREAT", "PATRQT", "TREAT"}

# METADATA
# description: The reason codes for which the patient's opt-out stands against the purpose.
failures(request, clause) := set() if {
	exempt(request, clause)
} else := {"opt_out.applies"} if {
	request.patient.opt_out == true
} else := {"opt_out.unknown" | not request.patient.opt_out == false}

# METADATA
# description: True when no opt-out stands in the way, whatever the patient's status.
exempt(request, _) if request.purpose in direct_care

exempt(_, clause) if clause.opt_out_applies == false
