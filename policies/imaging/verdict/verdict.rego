# METADATA
# title: Verdict
# description: |
#   Writes the answers. Each names the clause it rests on, so that a person can read the agreement behind it; a denial
#   names the clause that came closest. The words of an answer are reason codes and never anything about the patient.
package imaging.verdict

import data.imaging.break_glass
import data.imaging.obligations
import data.imaging.relationship

# METADATA
# description: The permit of a clause that fails with nothing.
permit(request, key, clause, owners) := {
	"permit": true,
	"reasons": sort({"agreement.permits"} | _claims(request, clause)),
	"obligations": _carried(request, key, clause, owners),
	"agreement": _reference(clause),
	"requestable": false,
}

# METADATA
# description: The permit of a clause whose failures were overridden by breaking the glass.
emergency(request, key, clause, grounds) := {
	"permit": true,
	"reasons": sort({"break_glass.granted"} | _claims(request, clause)),
	"obligations": array.concat(
		_carried(request, key, clause, grounds.owners),
		obligations.break_glass(request, key, clause, grounds),
	),
	"agreement": _reference(clause),
	"requestable": false,
}

# METADATA
# description: The denial that explains the closest clause by its failures.
denial(request, key, clause, grounds) := {
	"permit": false,
	"reasons": sort(reasons),
	"obligations": obligations.step_up(key, clause, reasons),
	"agreement": _reference(clause),
	"requestable": grounds.requestable,
} if {
	reasons := grounds.failed | break_glass.refusals(request, clause, grounds.failed)
}

# METADATA
# description: The denial of a request for which no clause came into question.
refusal(reasons) := {
	"permit": false,
	"reasons": sort(reasons),
	"obligations": [],
	"agreement": null,
	"requestable": false,
}

_claims(request, clause) := {"relationship.self_claimed" | relationship.self_claimed(request, clause)}

_carried(request, key, clause, owners) := array.concat(
	array.concat(
		obligations.of_clause(key, clause),
		obligations.filter_results(request, key, clause),
	),
	[obligation |
		relationship.self_claimed(request, clause)
		some obligation in obligations.self_claim(request, key, owners)
	],
)

_reference(clause) := {
	"id": clause.agreement,
	"version": clause.version,
	"clause": clause.clause,
	"token_seconds": clause.token_seconds,
	"act_depth": clause.act_depth,
}
