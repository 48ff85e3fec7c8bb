"""Problem 7: maximum likelihood for the exponential family."""
