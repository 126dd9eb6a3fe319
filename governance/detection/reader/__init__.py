"""Reading the log: the cursor and its lease, the order of events and the watermark, and what detectors remember."""
