"""What is rightful: the daily work of the region, and what looks odd and is not."""
