# A record is its owner's to delete; nothing else is asked here.
package tenants.idp

import rego.v1

default allowed := false

allowed if {
	input.action.name == "delete"
	some record in data.tenant_data.idp.entities.resources
	record.type == input.resource.type
	record.id == input.resource.id
	record.properties.owner == input.subject.id
}
