"""What several models use, and no model in particular."""
