"""A CSV or TSV file as bytes, and back to the last byte: line ends, quotes, order of columns, marks, ignored columns.

The file is cut into its pieces (``text``); the cells of the model's columns become rows of codes (``rows``) and the way
in which the file writes them (``spellings``); the rest is packed by LZMA.  What is not text in the file's encoding is
packed as it is.  Long files are cut into segments, so memory does not grow with them.  At the end stands the SHA-256
of the file.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from chainrule.core.errors import ChainruleError, DataError, InputError, OutputError, UnknownNameError
from chainrule.core.files import replacing
from chainrule.models.contract import DiscreteModel
from chainrule.tables.schema import Variable
from chainrule.tables.text_files import TextFile
from chainrule.tasks.compression.bits import stack, stack_bytes
from chainrule.tasks.compression.numbers import Reader, varint
from chainrule.tasks.compression.rows import decode_rows, encode_rows, fingerprint
from chainrule.tasks.compression.spellings import Spellings
from chainrule.tasks.compression.text import Pieces, cell_text

__all__ = ["CompressedFile", "compress_file", "decompress_file"]

_MAGIC = b"CRF\x01"  # and the version of what follows
_SEGMENT = 1 << 22  # characters
_READ = 1 << 20  # bytes
_UNMARKED = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"ARROW1", b"BZh", b"\xfd7zXZ", b"PK\x03\x04")


@dataclass(frozen=True)
class CompressedFile:
    """What became of a file: its bytes, those of the result, and of its parts.

    ``rows_bytes`` codes the columns of the model, ``spellings_bytes`` how cells are written, ``rest_bytes`` all else.
    """

    original_bytes: int
    compressed_bytes: int
    n_rows: int
    rows_bytes: int
    spellings_bytes: int
    rest_bytes: int

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
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self) | {"ratio": self.ratio}


def compress_file(model: DiscreteModel, path: str | Path, output: str | Path) -> CompressedFile:
    """Write the text table at ``path`` to ``output`` in few bytes; ``decompress_file`` gives back each of its bytes.

    Its columns go by name and may be in any order, beside others; all must be there that the model has.  What a cell
    says may be anything.  Raises ``DataError`` (no such file, no table), ``UnknownNameError`` (a column that is not
    there), ``InputError`` (a packed or columnar file) or ``OutputError``.
    """
    layout = _Layout.of(model, Path(path))
    digest, sizes, n_rows, original = hashlib.sha256(), np.zeros(3, np.int64), 0, 0
    with replacing(output) as temporary, _writing(temporary, output) as out:
        out.write(_MAGIC + fingerprint(model) + _with_size(_packed(layout.plain())))
        for raw, text in _segments(Path(path), layout.encoding):
            digest.update(raw)
            original += len(raw)
            parts, n = _segment(model, layout, raw, text, is_first=original == len(raw))
            n_rows += n
            sizes += [len(p) for p in parts]
            out.write(b"\x01" + b"".join(map(_with_size, parts)))
        out.write(b"\x00" + digest.digest())
        written = out.tell()
    rest = written - int(sizes[0] + sizes[1])
    return CompressedFile(original, written, n_rows, int(sizes[0]), int(sizes[1]), rest)


def decompress_file(model: DiscreteModel, path: str | Path, output: str | Path) -> None:
    """Write the file that ``compress_file`` took to ``output``, byte by byte what it was.

    Raises ``DataError`` where the compressed file is damaged, was written with another model, or where this machine
    computes the model's probabilities differently; ``output`` then keeps what it had.
    """
    try:
        reader = Reader(Path(path).read_bytes())
    except OSError as e:
        raise DataError(
            f"{path} cannot be read ({e.strerror or e}); give a file that compress_file wrote"
        ) from e
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise DataError(f"{path} is no file that chainrule compressed (or by another version of it)")
    mine = fingerprint(model)
    if reader.take(len(mine)) != mine:
        raise DataError(f"{path} was compressed with another model; decompress it with that one")
    layout = _Layout.of_plain(_unpacked(reader.part()))
    digest = hashlib.sha256()
    with replacing(output) as temporary, _writing(temporary, output) as out:
        while reader.take(1) == b"\x01":
            raw = _raw_segment(model, layout, [reader.part() for _ in range(3)])
            digest.update(raw)
            out.write(raw)
        if reader.take(32) != digest.digest() or not reader.is_at_end:
            raise DataError(f"{path} is damaged: what it gives back is not the file that was compressed")


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
        try:
            with open(path, "rb") as f:
                start = f.read(8)
        except OSError as e:
            raise DataError(
                f"{path} cannot be read ({e.strerror or e}); give the path of a CSV or TSV file"
            ) from e
        if start.startswith(_PACKED):
            raise InputError(f"{path} is packed or no text; unpack it, or write it as CSV, and compress that")
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

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_plain(cls, plain: Any) -> _Layout:
        try:
            return cls(**plain)
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
    with open(path, "rb") as f:
        while piece := f.read(_READ):
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
        return [b"", b"", b"\x00" + lzma.compress(raw)], 0
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
    codes = decode_rows(model, body) if body else np.empty((0, len(layout.places)), np.int32)
    try:
        coder = stack(bits)
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
    except (ValueError, KeyError, TypeError, StopIteration) as e:
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
    return lzma.compress(text.encode("utf-8", "surrogatepass"), format=lzma.FORMAT_ALONE)


def _unpacked(content: bytes) -> Any:
    try:
        return json.loads(_inflated(content).decode("utf-8", "surrogatepass"))
    except ValueError as e:
        raise DataError("the compressed file is damaged; compress it again") from e


def _inflated(content: bytes) -> bytes:
    try:
        return lzma.decompress(content)
    except lzma.LZMAError as e:
        raise DataError("the compressed file is damaged; compress it again") from e


def _with_size(part: bytes) -> bytes:
    return varint(len(part)) + part


@contextmanager
def _writing(path: Path, shown: str | Path) -> Iterator[BinaryIO]:
    """``path`` open for writing, called ``shown`` in messages."""
    try:
        with open(path, "wb") as out:
            yield out
    except OSError as e:
        if isinstance(e, ChainruleError):
            raise
        raise OutputError(f"cannot write {shown} ({e.strerror or e}); is the disk full?") from e
