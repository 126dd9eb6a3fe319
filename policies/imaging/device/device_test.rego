package imaging.device_test

import data.imaging.device

request(kind, managed) := {"subject": {"type": kind, "managed_device": managed}}

test_success if {
	device.failures(request("practitioner", true), {"managed_device": true}) == set()
	device.failures(request("practitioner", null), {"managed_device": false}) == set()
	device.failures(request("service", null), {"managed_device": true}) == set()
}

test_fail_unmanaged_or_unknown if {
	every managed in [false, null, "true"] {
		device.failures(request("practitioner", managed), {"managed_device": true}) == {"device.unmanaged"}
	}
}
