"""``chainrule compress`` and ``decompress``: files in as few bytes as a model's likelihood says, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.answers import Model
from chainrule.cli.output import AsJson, print_json, print_line, progress

__all__ = ["compress", "decompress"]


def compress(
    model: Model,
    table: Annotated[
        Path, typer.Argument(help="CSV or TSV, also packed (.gz, .zst), with the columns of the model.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The compressed file.")],
    as_json: AsJson = False,
) -> None:
    """A text table in as few bytes as the model's likelihood says; decompress gives back each of its bytes.

    Of a table packed by gzip or zstd the text inside is compressed, and comes back as text.
    """
    from chainrule.tasks.compression import compress_file
    from chainrule.tasks.models import loaded

    with progress():
        found = compress_file(loaded(model), table, out)
    if as_json:
        print_json(found.to_dict() | {"file": str(out)})
    else:
        print_line(f"{found.text()}\nwritten to {out}")


def decompress(
    model: Model,
    compressed: Annotated[Path, typer.Argument(help="A file that `chainrule compress` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The text as it was, byte by byte.")],
    as_json: AsJson = False,
) -> None:
    """The text that compress took, byte by byte; it needs the same model."""
    from chainrule.tasks.compression import decompress_file
    from chainrule.tasks.models import loaded

    with progress():
        decompress_file(loaded(model), compressed, out)
    if as_json:
        print_json({"file": str(out), "bytes": out.stat().st_size})
    else:
        print_line(f"{out.stat().st_size:,} bytes written to {out}, the same as were compressed")
