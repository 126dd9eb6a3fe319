# METADATA
# title: Training
# description: Where a clause asks for it, a person's information governance training is in date, and known to be.
package imaging.training

import data.imaging.subject

# METADATA
# description: The reason codes for which the person's training does not satisfy the clause.
failures(request, clause) := set() if {
	_not_asked(request, clause)
} else := {"training.expired"} if {
	request.subject.training_valid == false
} else := {"training.unknown" | not request.subject.training_valid == true}

_not_asked(_, clause) if clause.training == false

_not_asked(request, _) if not subject.practitioner(request)
