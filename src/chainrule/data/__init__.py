"""Arrays in: named data sets (fetched, checked against their SHA-256, cached) and readers for files.

The only room that uses the network.
"""

from chainrule.data.dataset import Dataset, split_rows

__all__ = ["Dataset", "split_rows"]
