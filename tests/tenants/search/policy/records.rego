# Users and records are as the data has them: a request names them by id.
package tenants.search

import rego.v1

import data.tenant_data.search.entities

default allowed := false

user := one.properties if {
	some one in entities.subjects
	one.type == input.subject.type
	one.id == input.subject.id
}

record := one.properties if {
	some one in entities.resources
	one.type == input.resource.type
	one.id == input.resource.id
}

owned if record.owner == input.subject.id

in_department if record.department == user.department

managed if user.role == "manager"

allowed if {
	input.action.name == "view"
	owned
}

allowed if {
	input.action.name == "view"
	in_department
}

allowed if {
	input.action.name == "view"
	record
	managed
}

allowed if {
	input.action.name == "edit"
	owned
}

allowed if {
	input.action.name == "edit"
	in_department
	managed
}

allowed if {
	input.action.name == "delete"
	owned
}
