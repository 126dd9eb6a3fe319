"""Whose hands an account is in: dormant, shared, in two places at once, or refused again and again.

Example: ``accounts.dormant_account.RULE`` looks at the first use after months.
"""
