"""The audit log: every decision, token and access, kept in order, provable and tamper-evident."""
