"""The demo: the main job, end to end, through the real front doors, told as a story. Nothing in it is canned."""
