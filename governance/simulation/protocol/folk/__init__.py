"""Who lives and works in the region, what ties them, who is on duty when, and the AI services."""
