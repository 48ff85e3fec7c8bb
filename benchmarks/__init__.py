"""How fast, how large and how good the models are, as ratios within one run; nothing here is asserted.

    python -m benchmarks speed      # the networks' loops against the plain programs and the floor, some minutes
    python -m benchmarks growth     # how their cost grows with variables, hidden units, rows and threads
    python -m benchmarks quality    # training time and test likelihood on static binarized MNIST, half an hour
    python -m benchmarks graphs     # questions to graphs against other tools, some minutes
    python -m benchmarks structure  # graphs learned from rows of known networks, beside other tools
    python -m benchmarks inference  # Bayesian networks beside pyagrum and pgmpy, some minutes
    python -m benchmarks tables     # rows a second, growth and memory of every model of tables, half an hour
    python -m benchmarks            # all of the above

    python -m benchmarks peers      # held-out nats of real tables beside other packages, an hour
    python -m benchmarks densities  # test nats of every model on the density-estimation sets, hours; goes on

Each prints one Markdown table as it comes.  ``--json FILE`` keeps the numbers; ``--quick`` measures fewer rounds and
smaller tables; ``--sets``, ``--models``, ``--budget`` and ``--keep`` are explained by ``--help``.  Other packages are
optional, and named where they are not installed (``benchmarks/other_tools.py`` says how to install them).  The tables
that came out are in docs/performance.md, with the machine they were measured on.

A benchmark is a ``Benchmark`` of its module (``showing.py``): its name, the head of its table, and a function that
yields rows.
"""
