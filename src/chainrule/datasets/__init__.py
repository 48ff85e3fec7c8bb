"""Named data sets (fetched, checked against their SHA-256, cached) and readers for arrays in files.

The only room that uses the network.
"""

from chainrule.datasets.dataset import Dataset, split_rows
from chainrule.datasets.named import Binarize, fetch, info, list_datasets, load
from chainrule.datasets.readers import read_array, read_idx, read_table
from chainrule.datasets.text_tables import Table

__all__ = [
    "Binarize",
    "Dataset",
    "Table",
    "fetch",
    "info",
    "list_datasets",
    "load",
    "read_array",
    "read_idx",
    "read_table",
    "split_rows",
]
