"""Graphs of Bayesian networks learned from rows, by a score that is a sum over families.

Read ``scores`` (what a family is worth), ``set_counts`` and ``family_scores`` (the same from rows, each set of columns
counted once), ``held_out`` (by rows that were not counted), ``distinct_rows`` (rows as a value that adds up),
``edge_rules`` (what is known ahead), the searches ``hill_climbing`` and ``exact_search``, and ``learners``, which are
what a user calls.
"""
