"""A record of a task as a page, with the record beside it, from which the page can be built again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainrule.core.errors import ChainruleError, DataError, InputError
from chainrule.core.files import as_path, check_place, file_to_read, shown_path, write_text
from chainrule.core.reading import parse_json
from chainrule.core.records import dump_json
from chainrule.core.text import as_written, one_line
from chainrule.report.audit_page import audit_document
from chainrule.report.comparison_page import comparison_document
from chainrule.report.description_page import description_document
from chainrule.report.documents import Document, html_of
from chainrule.tasks.auditing.record import Audit
from chainrule.tasks.comparing import Comparison
from chainrule.tasks.describing.record import Description

__all__ = ["check_page", "rebuild_page", "write_page"]

_ENDS = (".html", ".htm")

Record = Description | Comparison | Audit


def check_page(out: str | Path) -> Path:
    """``out``, if a page and its record could be written there; ``InputError`` where it does not end in .html."""
    path = as_path(out, "out")
    if path.suffix.lower() not in _ENDS:
        raise InputError(f"a page is written to a file that ends in .html; got {as_written(path.name)}")
    check_place(path)
    check_place(path.with_suffix(".json"))
    return path


def write_page(record: Record, out: str | Path) -> Path:
    """Write the page of ``record`` to the file ``out`` (.html), and beside it the record itself (.json).

    Everything is drawn before the first of the two is written.

    >>> import tempfile
    >>> from chainrule.models import Independent
    >>> from chainrule.tasks import describe
    >>> page = write_page(describe(Independent().fit([[0], [1]])), Path(tempfile.mkdtemp()) / "coin.html")
    >>> page.name, page.with_suffix(".json").is_file()
    ('coin.html', True)
    """
    path, html = check_page(out), _html(record)
    write_text(path.with_suffix(".json"), dump_json(record.to_dict()))
    write_text(path, html)
    return path


def rebuild_page(saved: str | Path, out: str | Path | None = None) -> Path:
    """Write the page of a record that ``write_page`` left, by default beside it, without any model.

    The record stays as it is.
    """
    path = file_to_read(saved, "a record that was written beside a page")
    try:
        plain = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise DataError(
            f"{shown_path(path)} cannot be read as JSON ({e}); give a record that was written beside a page"
        ) from e
    found = plain.get("format") if isinstance(plain, dict) else None
    if not isinstance(found, str) or found not in _READERS:
        raise DataError(
            f"{path} has the format {as_written(found)}, not one of {', '.join(_READERS)}; make the page again"
        )
    page = check_page(path.with_suffix(".html") if out is None else out)
    record = _READERS[found](plain)
    try:
        html = _html(record)
    except ChainruleError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as e:
        reason = f"{e} is missing" if isinstance(e, KeyError) else str(e)
        raise DataError(
            f"the parts of {shown_path(path)} do not fit together ({one_line(reason, 200)}); make the page again"
        ) from e
    write_text(page, html)
    return page


_READERS: dict[str, Callable[[dict[str, Any]], Record]] = {
    kind.FORMAT: kind.from_dict for kind in (Description, Comparison, Audit)
}


def _html(record: Record) -> str:
    return html_of(_document(record))


def _document(record: Record) -> Document:
    if isinstance(record, Description):
        return description_document(record)
    if isinstance(record, Comparison):
        return comparison_document(record)
    if isinstance(record, Audit):
        return audit_document(record)
    raise InputError(
        f"a page is made of a Description, a Comparison or an Audit; got a {type(record).__name__}"
    )
