"""Problem 6: MADE's masks for any ordering, every step shown."""
