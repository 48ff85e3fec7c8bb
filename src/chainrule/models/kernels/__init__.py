"""The compiled loops (numba) behind NADE and MADE; what they are written in is explained in ``vectors``."""
