"""Glass broken and relationships claimed: every use is a notice, an alert is what does not fit.

Example: ``emergency.break_glass_used.RULE`` tells the owner trusts of each use.
"""
