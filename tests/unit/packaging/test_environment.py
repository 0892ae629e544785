"""The set-up of a bare machine: where pip itself comes from, and what is said when it does not come."""

import importlib.util
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

WHEEL = "pip-26.3-py3-none-any.whl"
PAGES = {
    "json": json.dumps({"files": [{"filename": WHEEL, "url": f"../../files/{WHEEL}"}]}),
    "html": f'<a href="../../files/{WHEEL}#sha256=00">{WHEEL}</a>',
}


@pytest.fixture
def environment():
    path = Path(__file__).parents[3] / "packaging" / "environment.py"
    spec = importlib.util.spec_from_file_location("packaging_environment", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def index(monkeypatch, tmp_path):
    """A package index on this machine; `serve(page)` gives its address."""
    servers = []
    for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))

    def serve(page):
        class Index(BaseHTTPRequestHandler):
            def do_GET(self):
                content = {"/simple/pip/": page.encode(), f"/files/{WHEEL}": b"no wheel"}.get(self.path)
                self.send_response(200 if content is not None else 404)
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_arguments):
                pass

        server = HTTPServer(("127.0.0.1", 0), Index)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/simple"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("kind", ["json", "html"])
def test_pip_is_taken_from_the_index_of_pips_settings_and_only_with_its_hash(environment, index, tmp_path, kind):
    settings = tmp_path / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[global]\nindex-url = {index(PAGES[kind])}/\n")

    with pytest.raises(environment.SetupError, match="another hash than the pinned one"):
        environment.download_pip(tmp_path)

    assert not (tmp_path / WHEEL).exists()


def test_an_index_without_pip_is_named_with_what_to_do(environment, index, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", index("<html></html>"))

    with pytest.raises(environment.SetupError) as failed:
        environment.download_pip(tmp_path)

    assert "is not listed there" in str(failed.value)
    assert "PIP_INDEX_URL" in str(failed.value)


def test_an_index_that_does_not_answer_is_named(environment, index, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")

    with pytest.raises(environment.SetupError, match="could not be fetched"):
        environment.download_pip(tmp_path)


def test_an_older_python_is_told_which_one_is_needed(environment, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))

    with pytest.raises(environment.SetupError, match=r"Python 3\.11 or later is needed"):
        environment.prepare()
