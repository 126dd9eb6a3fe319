# The eight decisions of the fixture: identifiers decide the first four, properties the rest. What a request does not say
# of a user or a record is as the data has it, so that what a search finds by them is permitted when it is sent back.
package tenants.certification

import rego.v1

import data.tenant_data.certification as facts

default allowed := false

status := object.get(input.resource.properties, "status", object.get(record, "status", "active"))

role := object.get(input.subject.properties, "role", object.get(user, "role", ""))

default user := {}

user := one.properties if {
	some one in facts.entities.subjects
	one.type == input.subject.type
	one.id == input.subject.id
}

default record := {}

record := one.properties if {
	some one in facts.entities.resources
	one.type == input.resource.type
	one.id == input.resource.id
}

allowed if {
	input.action.name == "read"
	input.subject.id in facts.readers
}

allowed if {
	input.action.name == "write"
	status != "archived"
	input.subject.id in facts.writers
}

allowed if {
	input.action.name == "write"
	status == "archived"
	role == "admin"
}

allowed if {
	input.action.name == "delete"
	input.action.properties.soft == true
	input.subject.id in facts.writers
}
