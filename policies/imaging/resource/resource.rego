# METADATA
# title: Resource
# description: |
#   What is asked for must be a study of the catalogue that some trust owns: no owner means no access. The one exception
#   is a search, which may come before any study is named, as long as it says whose studies it searches.
package imaging.resource

# METADATA
# description: The reason codes for which this request's resource is refused outright; empty when it has an owner.
failures(request) := unknown | unowned if {
	unknown := {"resource.unknown" | not _identified(request)}
	unowned := {"resource.no_owner" | request.resource.known == true; not _owned(request)}
}

# METADATA
# description: |
#   True for a search that names no study. The clause's limits on data items cannot be judged yet,
#   so they travel with the permit as an obligation to filter the results.
open_search(request) if {
	request.action == "search"
	request.resource.known == false
}

_identified(request) if request.resource.known == true

_identified(request) if {
	open_search(request)
	_owned(request)
}

_owned(request) if {
	some custodian in request.resource.custodians
	custodian != ""
}
