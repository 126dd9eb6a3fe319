# METADATA
# title: Device
# description: Where a clause asks for it, a person works at a device their organisation manages.
package imaging.device

import data.imaging.subject

# METADATA
# description: The reason codes for which the person's device does not satisfy the clause.
failures(request, clause) := {"device.unmanaged" | not _satisfied(request, clause)}

_satisfied(_, clause) if clause.managed_device == false

_satisfied(request, _) if request.subject.managed_device == true

_satisfied(request, _) if not subject.practitioner(request)
