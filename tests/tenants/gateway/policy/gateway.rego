# A gateway asks by method and route; whose todo it is, the application itself asks about.
package tenants.gateway

import rego.v1

import data.tenant_data.gateway as facts

default allowed := false

allowed if {
	input.subject.type == "identity"
	input.resource.type == "route"
	some role in facts.identities[input.subject.id]
	role in facts.routes[input.resource.id][input.action.name]
}
