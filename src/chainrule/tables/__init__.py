"""Rows in, rows out: whatever holds a table becomes small integer codes under a schema, and leaves as what it was."""

from chainrule.tables.schema import Schema, Variable
from chainrule.tables.table import Table

__all__ = ["Schema", "Table", "Variable"]
