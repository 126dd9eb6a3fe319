"""How what happened travels: each source's delays and faults, and what is sent when."""
