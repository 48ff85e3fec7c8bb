"""Problem 4: why a directed cycle is no factorisation."""
