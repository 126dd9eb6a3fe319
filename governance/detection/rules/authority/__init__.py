"""Under what it was done: agreements and tokens that had lapsed, purposes that do not fit, permissions tried out.

Example: ``authority.lapsed_authority.RULE`` judges an access by what was in force at its time.
"""
