# A user may do what one of their roles may do with every todo, and with their own what it may do with these.
package tenants.todo

import rego.v1

import data.tenant_data.todo as facts

default allowed := false

user := facts.users[input.subject.id] if input.subject.type == "user"

allowed if {
	some role in user.roles
	input.action.name in facts.roles[role].any
}

allowed if {
	some role in user.roles
	input.action.name in facts.roles[role].own
	input.resource.properties.ownerID == user.email
}
