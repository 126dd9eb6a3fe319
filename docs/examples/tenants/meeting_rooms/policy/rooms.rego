# Who may enter, book and rearrange the meeting rooms of the network's office.
package tenants.meeting_rooms

import rego.v1

import data.tenant_data.meeting_rooms.entities
import data.tenant_data.meeting_rooms.terms

# The colleague and the room as the office knows them: what a caller says of them counts for nothing.
colleague := one if {
	some one in entities.subjects
	one.type == "colleague"
	input.subject.type == "colleague"
	one.id == input.subject.id
}

room := one if {
	some one in entities.resources
	one.type == "room"
	input.resource.type == "room"
	one.id == input.resource.id
}

default allowed := false

# A visitor enters whatever room they were asked to; everything else is for colleagues.
allowed if {
	input.action.name == "enter"
	input.subject.type == "visitor"
	input.context.invited == true
	room.properties.kind != "first_aid"
}

allowed if {
	input.action.name == "enter"
	colleague
	room.properties.kind != "first_aid"
}

allowed if {
	input.action.name == "enter"
	room.properties.kind == "first_aid"
	colleague.properties.first_aider
}

allowed if {
	input.action.name == "book"
	bookable
	object.get(input.context, "minutes", 60) <= terms.longest_booking_minutes
}

allowed if {
	input.action.name == "rearrange"
	room
	colleague.properties.team == terms.rearranging_team
}

bookable if {
	colleague
	room.properties.kind == "huddle"
}

bookable if {
	room.properties.kind == "board"
	colleague.properties.team in terms.board_room_teams
}

answer := {"decision": true} if allowed

answer := {"decision": false, "context": {"reason": "The office's terms do not cover this."}} if not allowed
