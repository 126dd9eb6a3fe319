# METADATA
# title: Action
# description: A clause allows the actions it lists and no other.
package imaging.action

# METADATA
# description: The reason codes for which the clause does not cover the request's action.
failures(request, clause) := {"action.not_covered" | not _listed(request, clause)}

_listed(request, clause) if request.action in clause.actions
