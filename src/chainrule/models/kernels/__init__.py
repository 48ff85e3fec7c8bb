"""The compiled loops (numba) behind NADE and MADE, in plain scalar code that vectorises."""
