"""From saved records to a page that explains itself: figures (SVG, PNG) and one HTML file.

The room sees plain data only, never a model, so that a page can be rebuilt without fitting anything.
"""

from chainrule.report.page import render, write_report

__all__ = ["render", "write_report"]
