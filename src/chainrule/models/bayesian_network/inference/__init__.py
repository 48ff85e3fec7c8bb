"""Exact inference in discrete Bayesian networks, over integers: variables 0..d-1, states 0..k-1, -1 unknown.

    elimination     in which order variables are summed out, and what that costs
    buckets         variable elimination and what follows from keeping its tables: marginals, maxima, draws
    sweeps          the same, compiled; the loops are greedy_loops (orders), layout_loops (what meets in which bucket),
                    product_loops (of what is in one), loops (sums and maxima), calibration_loops (marginals) and
                    draw_loops
    kept_rows       messages that questions about one row share
    plans           what a question depends on, and in which order that is summed out
    plain_answers   every answer by buckets, and where the compiled ones would underflow
    network         the tables p(v | parents), and every question about them
    slices          the factors of a question, before any is multiplied
    findings        soft evidence, as nodes that are observed
    maximising      most probable states of some variables, others summed out; ranking lists them one after the other
    derivatives     of a probability with respect to every entry of every table
    components      what rows do not know, taken apart
    expectation     the expected counts of families in such rows

Names of variables and states are added by ``chainrule.models.bayesian_network.questions``.
"""
