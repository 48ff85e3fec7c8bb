"""What one does with a table in one line, made of models and numbers about them."""
