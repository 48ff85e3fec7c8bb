"""Conditional tables as decision trees: which leaf a row comes to, how rows are counted, how trees are grown.

Read ``tables`` (the value), ``growing`` (how it is learned), ``checking`` (what a file
says of it); ``*_loops`` are the compiled twins of ``tables`` and
``growing_plain``.
"""

from chainrule.models.shared.decision_tables.checking import check_trees
from chainrule.models.shared.decision_tables.growing import Penalty, grow_tables
from chainrule.models.shared.decision_tables.tables import DecisionTables, loaded_tables

__all__ = ["DecisionTables", "Penalty", "check_trees", "grow_tables", "loaded_tables"]
