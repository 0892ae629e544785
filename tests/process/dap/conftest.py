"""A debug adapter on a project of its own, and a client that has launched a script in it."""

import pytest
from tests.process.dap.dap_client import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("project"))
    yield server
    server.end()


@pytest.fixture(params=["slots", "settrace"])
def engine(request):
    return request.param


@pytest.fixture
def client(server):
    client = server.connect()
    yield client
    client.close()


@pytest.fixture
def script(server, tmp_path_factory):
    """Write a script outside the project; its path."""
    folder = tmp_path_factory.mktemp("script")

    def write(text, name="script.py"):
        path = folder / name
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def debug(client, engine, script):
    """Launch a script under the engine of the test, with breakpoints in it by line."""

    def start(text, *lines, **arguments):
        path = script(text)
        answers = client.launch({path: lines}, program=str(path), engine=engine, **arguments)
        return answers[path]

    return start
