"""Graphs some of whose edges have no direction, and the DAGs that they stand for.

A *partially directed graph* (PDAG) has directed edges a -> b and undirected ones a -- b.  A *v-structure* is
a -> c <- b where a and b are not joined.  A *consistent extension* of it is a DAG with the same joined pairs, its
directed edges, and no v-structure that it does not have (Dor and Tarsi 1992); the PDAG stands for all of them.

Read ``mixed`` (the value), ``extension`` (one DAG, or why there is none), ``orienting`` (Meek's rules: what all DAGs
share, and all DAGs one by one), ``completeness`` (is it the CPDAG of its class?) and ``class_size`` (how many there
are).
"""
