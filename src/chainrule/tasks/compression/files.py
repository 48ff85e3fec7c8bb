"""A CSV or TSV file as bytes, and back to the last byte: line ends, quotes, order of columns, marks, ignored columns.

The file is cut into its pieces (``text``); the cells of the model's columns become rows of codes (``rows``) and the way
in which the file writes them (``spellings``); the rest is packed by LZMA.  What is not text in the file's encoding is
packed as it is.  Long files are cut into segments, so memory holds one of them and the result.  A checksum of all and
the first 8 bytes of the text's SHA-256 tell damage from a machine whose floats differ.

Of a file that gzip or zstd has packed the text inside is compressed, and comes back as text: the packed bytes depend on
the program that packed them, and no one could promise them.  The bytes of Parquet and Feather say how their writer
encodes columns besides; they are refused, and ``rows`` keeps the values.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import lzma
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.errors import DataError, InputError, UnknownNameError
from chainrule.core.files import as_path, file_to_read, replacing
from chainrule.core.reading import MAX_BYTES, parse_json
from chainrule.models.contract import DiscreteModel
from chainrule.tables.schema import Variable
from chainrule.tables.text_files import TextFile, packer_of, unpacked
from chainrule.tasks.compression.bits import stack, stack_bytes
from chainrule.tasks.compression.numbers import Reader, checked, sealed, varint
from chainrule.tasks.compression.rows import (
    FLOATS_DIFFER,
    checked_model,
    decode_rows,
    encode_rows,
    fingerprint,
)
from chainrule.tasks.compression.spellings import Spellings
from chainrule.tasks.compression.text import Pieces, cell_text

__all__ = ["CompressedFile", "compress_file", "decompress_file"]

_MAGIC = b"CRF\x02"  # and the version of what follows
_SEGMENT = 1 << 22  # characters
_READ = 1 << 20  # bytes
_UNMARKED = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_DIGEST = 8  # bytes of a SHA-256 that are kept
_LZMA = [
    {"id": lzma.FILTER_LZMA2, "preset": 6}
]  # without a container, whose checks and sizes would come twice
_COLUMNAR, _ARCHIVES = (b"PAR1", b"ARROW1", b"FEA1"), (b"BZh", b"\xfd7zXZ", b"PK\x03\x04")
_PACKED_ENDS = (".gz", ".zst")


@dataclass(frozen=True)
class CompressedFile:
    """What became of a file: its bytes, those of the result, and of its parts.

    ``rows_bytes`` codes the columns of the model, ``spellings_bytes`` how cells are written, ``rest_bytes`` all else.
    ``packer`` is "gzip" or "zstd" where the file was packed: all bytes are then those of the text inside.
    """

    original_bytes: int
    compressed_bytes: int
    n_rows: int
    rows_bytes: int
    spellings_bytes: int
    rest_bytes: int
    packer: str | None = None

    @property
    def ratio(self) -> float:
        """How many times smaller the result is."""
        return self.original_bytes / max(self.compressed_bytes, 1)

    def text(self) -> str:
        """One line for people.

        >>> print(CompressedFile(1000, 100, 50, 60, 5, 35).text())
        1,000 bytes, 50 rows -> 100 bytes (10.0 times smaller): rows 60, spellings 5, the rest 35
        """
        return (
            f"{self.original_bytes:,} bytes, {self.n_rows:,} rows -> {self.compressed_bytes:,} bytes "
            f"({self.ratio:.1f} times smaller): rows {self.rows_bytes:,}, spellings {self.spellings_bytes:,}, "
            f"the rest {self.rest_bytes:,}"
            + (
                f"; of the text that {self.packer} had packed, which is what comes back"
                if self.packer
                else ""
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self) | {"ratio": self.ratio}


def compress_file(model: DiscreteModel, path: str | Path, output: str | Path) -> CompressedFile:
    """Write the text table at ``path`` to ``output`` in few bytes; ``decompress_file`` gives back each of its bytes.

    Its columns go by name and may be in any order, beside others; all must be there that the model has.  What a cell
    says may be anything.  Of a file packed by gzip or zstd it is the text inside.  Raises ``DataError`` (no such file,
    no table), ``UnknownNameError`` (a column that is not there), ``InputError`` (a columnar file or an archive) or
    ``OutputError``.
    """
    path = file_to_read(path, "a text table")
    layout = _Layout.of(checked_model(model), path)
    digest, sizes, n_rows, original = hashlib.sha256(), np.zeros(3, np.int64), 0, 0
    content = [fingerprint(model), _with_size(_packed(astuple(layout)))]
    for raw, text in _segments(path, layout.encoding):
        digest.update(raw)
        original += len(raw)
        parts, n = _segment(model, layout, raw, text, is_first=original == len(raw))
        n_rows += n
        sizes += [len(p) for p in parts]
        content.append(b"\x01" + b"".join(map(_with_size, parts)))
    whole = sealed(_MAGIC, b"".join(content) + b"\x00" + digest.digest()[:_DIGEST])
    with replacing(output) as temporary, temporary.open("wb") as out:
        out.write(whole)
    rest = len(whole) - int(sizes[0] + sizes[1])
    return CompressedFile(original, len(whole), n_rows, int(sizes[0]), int(sizes[1]), rest, packer_of(path))


def decompress_file(model: DiscreteModel, path: str | Path, output: str | Path) -> None:
    """Write the file that ``compress_file`` took to ``output``, byte by byte what it was, as text if it was packed.

    Raises ``InputError`` where ``output`` is to be a packed file, ``DataError`` where the compressed file is damaged,
    was written with another model, or where this machine computes the model's probabilities differently; ``output``
    then keeps what it had.
    """
    checked_model(model)
    if str(as_path(output, "output")).lower().endswith(_PACKED_ENDS):
        raise InputError(
            f"what comes back is text, and {output} would be a packed file; write it plain, then pack it"
        )
    path = file_to_read(path, "a file that compress_file wrote")
    try:
        whole = path.read_bytes()
    except OSError as e:
        raise DataError(
            f"{path} cannot be read ({e.strerror or e}); give a file that compress_file wrote"
        ) from e
    reader = checked(_MAGIC, whole, f"{path} is no file that chainrule compressed")
    mine = fingerprint(model)
    if reader.take(len(mine)) != mine:
        raise DataError(f"{path} was compressed with another model; decompress it with that one")
    layout = _Layout.of_plain(_unpacked(reader.part()))
    digest = hashlib.sha256()
    with replacing(output) as temporary, temporary.open("wb") as out:
        while reader.take(1) == b"\x01":
            raw = _raw_segment(model, layout, [reader.part() for _ in range(3)])
            digest.update(raw)
            out.write(raw)
        if reader.take(_DIGEST) != digest.digest()[:_DIGEST]:
            raise DataError(FLOATS_DIFFER)


@dataclass(frozen=True)
class _Layout:
    """How the file is written: where the columns of the model are among its own."""

    encoding: str
    separator: str
    n_columns: int
    has_header: bool
    places: list[int]

    @classmethod
    def of(cls, model: DiscreteModel, path: Path) -> _Layout:
        with unpacked(path) as stream:
            start = stream.read(8)
        if start.startswith(_COLUMNAR):
            raise InputError(
                f"{path} is a columnar file, whose bytes hold more than its values; write it as CSV and compress that, "
                "or keep the values of the model's columns alone: chainrule.compress(model, path) in Python"
            )
        if start.startswith(_ARCHIVES):
            raise InputError(f"{path} is an archive; unpack it and compress the table inside")
        file = _opened(path, model.schema_.encoding)
        for name in model.schema_.names:
            if name not in file.names:
                raise UnknownNameError.of("column", name, list(file.names))
        places = [file.names.index(name) for name in model.schema_.names]
        # the mark at the beginning is a character like others here, so that it comes back
        encoding = _UNMARKED.get(file.encoding, file.encoding)
        if start.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
            encoding = encoding.replace("-le", "-be")
        return cls(encoding, file.separator, len(file.names), file.has_header, places)

    @classmethod
    def of_plain(cls, plain: Any) -> _Layout:
        try:
            return cls(*plain)
        except TypeError as e:
            raise DataError("the compressed file is damaged; compress it again") from e


def _opened(path: Path, encoding: str | None) -> TextFile:
    """The file as the model reads it; with bytes that are no text in its encoding, as characters of a byte each."""
    try:
        return TextFile.open(path, encoding)
    except DataError as e:
        try:
            return TextFile.open(path, "latin-1")
        except DataError:
            raise e from None


def _segments(path: Path, encoding: str) -> Iterator[tuple[bytes, str | None]]:
    """The file in parts that end with a line, as bytes and as text; ``None`` where that would not come back."""
    decoder, text, is_text = codecs.getincrementaldecoder(encoding)(), "", True
    raw = b""
    with unpacked(path) as stream:
        while piece := stream.read(_READ):
            raw += piece
            if is_text:
                try:
                    text += decoder.decode(piece)
                except UnicodeDecodeError:
                    is_text = False
            if not is_text:
                yield raw, None
                raw = b""
                continue
            end = _last_line_end(text) if len(text) >= _SEGMENT else 0
            if end:
                whole = _encoded(text[:end], encoding)
                is_text = raw.startswith(whole) and len(whole) > 0
                if is_text:
                    yield whole, text[:end]
                    raw, text = raw[len(whole) :], text[end:]
    if raw:
        yield raw, text if is_text and _encoded(text, encoding) == raw else None


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return b""


def _last_line_end(text: str) -> int:
    """Where the last line ends that ends outside quotes, as far as counting them tells; 0 where no line ends.

    To cut a cell in two costs some bytes, and nothing else.
    """
    last = end = text.rfind("\n") + 1
    quotes = text.count('"', 0, end)
    while end and quotes % 2:
        before = text.rfind("\n", 0, end - 1) + 1
        quotes -= text.count('"', before, end)
        end = before
    return end or last


def _segment(
    model: DiscreteModel, layout: _Layout, raw: bytes, text: str | None, *, is_first: bool
) -> tuple[list[bytes], int]:
    """One segment as the code of its rows, of their spellings, and the rest; and its number of rows."""
    if text is None:
        return [b"", b"", b"\x00" + _deflated(raw)], 0
    pieces = Pieces.of(text, layout.separator, layout.n_columns, int(is_first and layout.has_header))
    columns, codes = [], np.empty((pieces.n_records, len(layout.places)), np.int32)
    coder = stack()
    for j, variable in enumerate(model.schema_.variables):
        cells = pieces.columns[layout.places[j]]
        spelled, codes[:, j], at = Spellings.found(cells, _reader_of(variable), variable.size)
        columns.append((spelled, at))
    for j in range(len(columns))[::-1]:
        columns[j][0].push(coder, codes[:, j], columns[j][1])
    own = set(layout.places)
    rest = {
        "ends": _runs(pieces.ends),
        "odd": pieces.odd,
        "others": [column for j, column in enumerate(pieces.columns) if j not in own],
        "spellings": [spelled.of_code for spelled, _ in columns],
    }
    body = encode_rows(model, codes) if pieces.n_records else b""
    return [body, stack_bytes(coder), b"\x01" + _packed(rest)], pieces.n_records


def _raw_segment(model: DiscreteModel, layout: _Layout, parts: list[bytes]) -> bytes:
    """The inverse of ``_segment``."""
    body, bits, packed_rest = parts
    if packed_rest[:1] == b"\x00":
        return _inflated(packed_rest[1:])
    rest = _unpacked(packed_rest[1:])
    codes = decode_rows(model, Reader(body)) if body else np.empty((0, len(layout.places)), np.int32)
    try:
        coder = stack(bits)
        # numbers that a file states are held to what it holds, before any of them takes memory
        if len(rest["spellings"]) + len(rest["others"]) != layout.n_columns:
            raise ValueError("it names more or fewer columns than it holds")
        lengths = [n for _, n in rest["ends"]]
        if sum(lengths) != len(codes) or min(lengths, default=0) < 0:
            raise ValueError("it has more or fewer ends of lines than rows")
        columns: list[Any] = [None] * layout.n_columns
        for j, of_code in enumerate(rest["spellings"]):
            spelled = Spellings(of_code)
            at = spelled.pop(coder, codes[:, j])
            columns[layout.places[j]] = spelled.cells(codes[:, j], at)
        others = iter(rest["others"])
        columns = [next(others) if column is None else column for column in columns]
        ends = [end for end, n in rest["ends"] for _ in range(n)]
        pieces = Pieces(layout.separator, columns, ends, rest["odd"])
        return pieces.text().encode(layout.encoding)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, StopIteration) as e:
        raise DataError(f"the compressed file is damaged ({e}); compress it again") from e


def _reader_of(variable: Variable) -> Any:
    def code(cell: str) -> int:
        found = variable.find(cell_text(cell), in_file=True)
        return -1 if found is None else found

    return code


def _runs(values: list[str]) -> list[tuple[str, int]]:
    """``values`` as each that follows another one, and how often in a row.

    >>> _runs(["a", "a", "b"])
    [('a', 2), ('b', 1)]
    """
    out: list[tuple[str, int]] = []
    for value in values:
        if out and out[-1][0] == value:
            out[-1] = (value, out[-1][1] + 1)
        else:
            out.append((value, 1))
    return out


def _packed(plain: Any) -> bytes:
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    return _deflated(text.encode("utf-8", "surrogatepass"))


def _unpacked(content: bytes) -> Any:
    try:
        return parse_json(_inflated(content).decode("utf-8", "surrogatepass"))
    except ValueError as e:
        raise DataError("the compressed file is damaged; compress it again") from e


def _deflated(content: bytes) -> bytes:
    return lzma.compress(content, lzma.FORMAT_RAW, filters=_LZMA)


def _inflated(content: bytes) -> bytes:
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_LZMA)
    try:
        found = unpacker.decompress(content, MAX_BYTES)
    except lzma.LZMAError as e:
        raise DataError("the compressed file is damaged; compress it again") from e
    if not unpacker.eof or unpacker.unused_data:
        raise DataError("the compressed file is damaged; compress it again")
    return found


def _with_size(part: bytes) -> bytes:
    return varint(len(part)) + part
