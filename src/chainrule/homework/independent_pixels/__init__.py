"""Problem 2: independent pixels, derived, fitted, and what they cannot see."""
