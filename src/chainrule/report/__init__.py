"""From saved records to a page that explains itself: figures (SVG, PNG) and one HTML file.

The room sees plain data only, never a model, so that a page can be rebuilt without fitting anything.  ``write_report``
makes the page of a folder that the homework wrote, ``write_page`` that of a single record: of a model that was
described, of models that were compared.  Loaded when first used.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.report.page import render, write_report
    from chainrule.report.writing import check_page, rebuild_page, write_page

__all__ = ["check_page", "rebuild_page", "render", "write_page", "write_report"]

__getattr__ = loader(
    __name__,
    {
        "check_page": "chainrule.report.writing",
        "rebuild_page": "chainrule.report.writing",
        "render": "chainrule.report.page",
        "write_page": "chainrule.report.writing",
        "write_report": "chainrule.report.page",
    },
)
