"""What detectors may know beside the events: facts of other rooms, and the links of authority in the log."""
