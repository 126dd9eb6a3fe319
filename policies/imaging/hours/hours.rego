# METADATA
# title: Hours
# description: |
#   A clause may be open for part of the day, in minutes of the civil day where the trusts are. The window includes its
#   start and not its end, wraps past midnight when it ends before it starts, and is never open when both are equal.
package imaging.hours

# METADATA
# description: The reason codes for which the request falls outside the clause's hours.
failures(request, clause) := {"hours.outside" | not _open(request, clause)}

_open(_, clause) if clause.hours == null

_open(request, clause) if {
	minute := request.time.minute_of_day
	is_number(minute)
	_within(minute, clause.hours.from_minute, clause.hours.to_minute)
}

_within(minute, from, to) if {
	from < to
	from <= minute
	minute < to
}

_within(minute, from, to) if {
	from > to
	from <= minute
}

_within(minute, from, to) if {
	from > to
	minute < to
}
