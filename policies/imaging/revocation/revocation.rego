# METADATA
# title: Revocation
# description: |
#   What has died since: the small document `data.revocations` that an edge gets in a bundle of its own, faster than the
#   agreements. Where there is no such document nothing is revoked by it: the service's own engine is given each change
#   of the agreements at once, and the service checks tokens itself.
package imaging.revocation

# METADATA
# description: True when a clause is of the last version that ended, or of an older one.
covers(last_ended, clause) if {
	is_number(last_ended)
	clause.version <= last_ended
}

# METADATA
# description: |
#   True when a token was issued up to when something that it rests on ended: `ended` has the last second of issue that
#   is dead, by the digests that `token.rests_on` names, and by "*" for every token. One that does not say when it was
#   issued was issued then.
ends(ended, token) if {
	some name in array.concat(["*"], object.get(token, "rests_on", []))
	last := ended[name]
	is_number(last)
	not _later(token, last)
}

_later(token, second) if {
	is_number(token.issued_at)
	token.issued_at > second
}

# METADATA
# description: The reason codes for which the token that a request came with refuses it.
failures(token_revoked) := {"token.revoked" | token_revoked == true}
