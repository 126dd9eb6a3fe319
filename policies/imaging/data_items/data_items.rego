# METADATA
# title: Data items
# description: |
#   A clause covers the modalities and body parts it lists ("*" covers all) and leaves out studies that carry one of its
#   excluded labels. Sensitive and sealed studies are closed, or open only by breaking the glass, as the clause says.
package imaging.data_items

import data.imaging.resource

# METADATA
# description: Labels that the clause's `sensitive` term speaks about.
guarded_labels := {"sealed", "sensitive"}

# METADATA
# description: The reason codes for which the clause does not cover the study; an open search is judged by its results.
failures(request, clause) := set() if {
	resource.open_search(request)
} else := (_modality(request, clause) | _body_part(request, clause)) | _labels(request, clause)

# METADATA
# description: Labels of studies that the clause opens to nobody who does not break the glass.
withheld_labels(clause) := guarded_labels | {label | some label in clause.excluded_labels}

# METADATA
# description: True when the list names the item or names them all.
covers(list, item) if item in list

covers(list, _) if "*" in list

_modality(request, clause) := {"modality.not_covered" | not _modality_covered(request, clause)}

_modality_covered(request, clause) if covers(clause.modalities, request.resource.modality)

_body_part(request, clause) := {"body_part.not_covered" | not _body_part_covered(request, clause)}

_body_part_covered(request, clause) if covers(clause.body_parts, request.resource.body_part)

_labels(request, clause) := (excluded | closed) | guarded if {
	labels := {label | some label in request.resource.labels}
	excluded := {"label.excluded" | not _labelled(request)}
	closed := {"label.excluded" | count(labels & _closed_labels(clause)) > 0}
	guarded := {"break_glass.required" | clause.sensitive == "break_glass"; count(labels & guarded_labels) > 0}
}

_labelled(request) if is_array(request.resource.labels)

_closed_labels(clause) := {label | some label in clause.excluded_labels} if {
	clause.sensitive == "break_glass"
} else := withheld_labels(clause)
