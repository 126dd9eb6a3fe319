"""How much, how many: images taken out, and crowds on one patient, against what is usual among peers.

Example: ``volume.mass_export.RULE`` holds an hour and a day of one person against their role.
"""
