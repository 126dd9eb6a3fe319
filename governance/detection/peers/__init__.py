"""What is usual: how surprising a count is among peers, and what people in a role do."""
