"""Compiled loops without a model: the vector register, elementary functions, parallel calls."""
