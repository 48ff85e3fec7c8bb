"""What an intervention does, from observation alone: which effects a graph with latent nodes identifies, and how.

do(x) sets X from outside: the arrows into X are cut.  P(y | do(x)) is *identifiable* when every model along the graph
with the same distribution of the observed nodes gives the same answer; then there is a formula for it.

Read ``effect`` (the question, and who is asked first), ``front_door``, ``projection`` (latent nodes become two-headed
arrows), ``id_algorithm`` (the complete answer), ``hedge`` (why there is none), ``formulas`` and ``simplifying`` (how a
formula is written, computed and made short), ``instruments``.
"""
