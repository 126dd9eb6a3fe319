"""What people and services do, in the public surface's own words."""
