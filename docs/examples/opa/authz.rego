# Who may speak to the OPA server that decides for the service: the service, by its token, and nobody else.
#
#   GOVERNANCE_TOKEN=... opa run --server --authentication=token --authorization=basic authz.rego
package system.authz

import rego.v1

default allow := false

allow if {
	token := opa.runtime().env.GOVERNANCE_TOKEN
	count(token) >= 32
	input.identity == token
}

# Probes of a supervisor; they say nothing of rules or data.
allow if {
	input.method == "GET"
	input.path == ["health"]
}
