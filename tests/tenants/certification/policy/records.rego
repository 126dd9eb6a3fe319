# The eight decisions of the fixture: identifiers decide the first four, properties of the request the rest.
package tenants.certification

import rego.v1

import data.tenant_data.certification as facts

default allowed := false

status := object.get(input.resource.properties, "status", "active")

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
	input.subject.properties.role == "admin"
}

allowed if {
	input.action.name == "delete"
	input.action.properties.soft == true
	input.subject.id in facts.writers
}
