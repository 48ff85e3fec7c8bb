"""Arrays in: named data sets (fetched, checked against their SHA-256, cached) and readers for files.

The only room that uses the network.
"""

from chainrule.data.categorical import CategoricalTable
from chainrule.data.categorical_input import as_categorical, iter_categorical
from chainrule.data.dataset import Dataset, split_rows
from chainrule.data.named import Binarize, fetch, info, list_datasets, load
from chainrule.data.readers import read_array, read_idx, read_table
from chainrule.data.tables import Table

__all__ = [
    "Binarize",
    "CategoricalTable",
    "Dataset",
    "Table",
    "as_categorical",
    "fetch",
    "info",
    "iter_categorical",
    "list_datasets",
    "load",
    "read_array",
    "read_idx",
    "read_table",
    "split_rows",
]
