package imaging.ai_service_test

import data.imaging.ai_service

manifest := {
	"versions": ["2.1.0", "2.2.0"],
	"modalities": ["CT"],
	"body_parts": ["HEAD"],
	"trusts": ["RRK", "RKB"],
	"purposes": ["TREAT"],
	"daily_volume": 100,
}

terms := {
	"versions": ["2.1.0"],
	"modalities": ["CT", "MR"],
	"body_parts": ["*"],
	"daily_volume": 50,
}

request := {
	"subject": {
		"id": "ich-triage",
		"type": "ai_service",
		"ai": {"version": "2.1.0", "approved": true, "manifest": manifest, "reads_today": 49},
	},
	"purpose": "TREAT",
	"resource": {"modality": "CT", "body_part": "HEAD"},
}

clause := {"ai": {"ich-triage": terms}}

failures(patches) := ai_service.failures(json.patch(request, patches), clause, {"RRK"})

replace(path, value) := [{"op": "replace", "path": path, "value": value}]

test_success_within_manifest_and_clause if {
	failures([]) == set()
}

test_success_not_judged if {
	failures(replace("/subject/type", "practitioner")) == set()
	failures(replace("/subject/type", "service")) == set()
}

test_fail_no_manifest if {
	failures(replace("/subject/ai/manifest", null)) == {"ai.no_manifest"}
	failures(replace("/subject/ai", null)) == {"ai.no_manifest"}
}

test_fail_not_approved if {
	failures(replace("/subject/ai/approved", false)) == {"ai.not_approved"}
}

test_fail_purpose_outside_manifest if {
	failures(replace("/purpose", "HRESCH")) == {"ai.not_approved"}
}

test_fail_version_outside_clause if {
	failures(replace("/subject/ai/version", "2.2.0")) == {"ai.version"}
}

test_fail_version_missing if {
	failures(replace("/subject/ai/version", null)) == {"ai.version"}
}

test_fail_modality_outside_manifest if {
	failures(replace("/resource/modality", "MR")) == {"ai.modality"}
}

test_fail_body_part_outside_manifest if {
	failures(replace("/resource/body_part", "CHEST")) == {"ai.body_part"}
	failures(replace("/resource/body_part", null)) == {"ai.body_part"}
}

test_fail_trust_outside_manifest if {
	ai_service.failures(request, clause, {"RL4"}) == {"ai.trust"}
}

test_fail_volume_of_clause_reached if {
	failures(replace("/subject/ai/reads_today", 50)) == {"ai.volume"}
	failures(replace("/subject/ai/reads_today", null)) == {"ai.volume"}
}

test_fail_only_manifest_judged_when_clause_does_not_name_it if {
	ai_service.failures(request, {"ai": {}}, {"RRK"}) == set()
}
