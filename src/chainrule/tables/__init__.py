"""Rows in: whatever holds a table becomes small integer codes under a schema."""

from chainrule.tables.categorical import CategoricalTable
from chainrule.tables.categorical_input import as_categorical, iter_categorical

__all__ = ["CategoricalTable", "as_categorical", "iter_categorical"]
