"""How fast, how large and how good the models are, as ratios within one run; nothing here is asserted.

    python -m benchmarks speed      # against the plain programs and the floor, some minutes
    python -m benchmarks growth     # how cost grows with variables, hidden units, rows and threads
    python -m benchmarks quality    # training time and test likelihood on static binarized MNIST, half an hour
    python -m benchmarks graphs     # graphs and Bayesian networks against other tools, some minutes
    python -m benchmarks structure  # graphs learned from rows of known networks, against other tools, some minutes
    python -m benchmarks            # all of it

``--json FILE`` keeps the numbers; ``--quick`` measures fewer rounds.  The tables that came out are in
docs/performance.md, with the machine they were measured on.
"""
