"""What the data service decides, by noun; no driver in sight."""
