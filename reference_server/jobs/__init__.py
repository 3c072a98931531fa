"""What runs in the background, and when: `table` says it, `port` hides who does it."""
