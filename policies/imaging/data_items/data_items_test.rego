package imaging.data_items_test

import data.imaging.data_items

clause := {
	"modalities": ["CT", "MR"],
	"body_parts": ["*"],
	"excluded_labels": ["decoy"],
	"sensitive": "break_glass",
}

study(modality, labels) := {
	"action": "read",
	"resource": {"known": true, "modality": modality, "body_part": null, "labels": labels},
}

test_success_covered if {
	data_items.failures(study("CT", []), clause) == set()
}

test_success_open_search if {
	search := {"action": "search", "resource": {"known": false, "modality": null, "body_part": null, "labels": []}}
	data_items.failures(search, clause) == set()
}

test_fail_modality if {
	data_items.failures(study("US", []), clause) == {"modality.not_covered"}
	data_items.failures(study(null, []), clause) == {"modality.not_covered"}
}

test_fail_body_part if {
	data_items.failures(study("CT", []), object.union(clause, {"body_parts": ["HEAD"]})) == {"body_part.not_covered"}
}

test_fail_excluded_label if {
	data_items.failures(study("CT", ["decoy"]), clause) == {"label.excluded"}
}

test_fail_sensitive_needs_break_glass if {
	data_items.failures(study("CT", ["sensitive"]), clause) == {"break_glass.required"}
	data_items.failures(study("CT", ["sealed"]), clause) == {"break_glass.required"}
}

test_fail_sensitive_denied if {
	closed := object.union(clause, {"sensitive": "deny"})
	data_items.failures(study("CT", ["sealed"]), closed) == {"label.excluded"}
}

test_fail_excluded_sealed_is_not_opened_by_break_glass if {
	closed := object.union(clause, {"excluded_labels": ["sealed"]})
	data_items.failures(study("CT", ["sealed"]), closed) == {"break_glass.required", "label.excluded"}
}

test_fail_labels_not_known if {
	data_items.failures(study("CT", null), clause) == {"label.excluded"}
}
