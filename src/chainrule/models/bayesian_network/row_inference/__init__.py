"""Rows that each lack other cells, answered together: log-probability, draws, most probable completions.

    answers    which rows go through the loops, and which are left to the network
    plan       a network as flat arrays, with one order of elimination for all rows
    loops      bucket elimination of each row in that order, compiled
    walking    back through its buckets: states are chosen or drawn, compiled
    layout     what these read and write, by name; room: cut out of two arrays

The plain twin is ``inference.network.DiscreteNetwork``, with logarithms and a plan for each pattern of holes.
"""
