# METADATA
# title: Freshness
# description: |
#   How old the data of an edge is, and whether it is too old to decide with. `limits` is what the bundle of an edge
#   says of it, null for the service's own engine, which is never given data late; `age` is in seconds, null when
#   nobody knows it.
package imaging.freshness

# METADATA
# description: The reason codes for which data refuses every request; data that cannot tell its age is too old.
failures(limits, age) := {"policy.stale" |
	is_object(limits)
	not _fresh(limits, age)
}

# METADATA
# description: What an answer says of the age of its data, at an edge; null is an age that nobody knows.
told(limits, age) := {"age_seconds": age | is_object(limits)}

# A clock that is behind makes data look young: past the limit it is as little to be trusted as one that is ahead.
_fresh(limits, age) if {
	is_number(age)
	is_number(limits.stale_after)
	abs(age) <= limits.stale_after
}
