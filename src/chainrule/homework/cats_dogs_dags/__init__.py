"""Problem 3: what "Cats, dogs, and DAGs" implies."""
