"""Those who watch: reading their own case, closing or muting alerts in bulk.

Example: ``oversight.own_case.RULE`` looks at who reads the audit about whom.
"""
