"""No test here reaches a network, a user's cache or a user's data: all three are replaced."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError

import pytest

from chainrule.core.progress import listening
from chainrule.datasets import sources
from chainrule.datasets.registry import RawFile

REAL_DATA = os.environ.get("CHAINRULE_DATA")  # before the fixture below takes it away
_open_url = sources._open_url


@dataclass
class Heard:
    """A listener that remembers what it heard."""

    notes: list[str] = field(default_factory=list)
    started: list[tuple[str, int]] = field(default_factory=list)
    steps: int = 0
    stopped: int = 0

    def start(self, label: str, total: int) -> int:
        self.started.append((label, total))
        return len(self.started)

    def advance(self, task: int, detail: str) -> None:
        self.steps += 1

    def stop(self, task: int) -> None:
        self.stopped += 1

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What chainrule says while the test runs."""
    listener = Heard()
    with listening(listener):
        yield listener


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache, no ``CHAINRULE_DATA``, no npm, and no network but this machine."""

    def only_here(url: str):
        if not url.startswith("http://127.0.0.1:"):
            raise URLError(OSError(101, "the network is unplugged"))
        return _open_url(url)

    empty = tmp_path / "empty-path"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setattr(sources, "_open_url", only_here)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The folder that ``CHAINRULE_CACHE`` names in every test here; not made yet."""
    return tmp_path / "cache"


@dataclass
class Server:
    """A web server on this machine: ``pages`` maps a path to its answer, ``asked`` lists what came."""

    address: str
    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            page = state.pages.get(self.path)
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Length", str(len(page or b"")))
            self.end_headers()
            with suppress(ConnectionError):  # whoever asked may have seen enough
                self.wfile.write(page or b"")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state = Server(f"http://127.0.0.1:{http.server_address[1]}")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            http.shutdown()
            thread.join()


def raw_file(content: bytes, *urls: str, name: str = "tiny.data", npm: str | None = None) -> RawFile:
    """A registered file of this content, published at these addresses."""
    return RawFile(name, "tiny", len(content), hashlib.sha256(content).hexdigest(), urls, npm)
