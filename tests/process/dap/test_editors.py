"""The editor's configurations that come with the sample project start what they say."""

import json
import shutil
from importlib import resources
from pathlib import Path

import pytest
from tests.process.dap.dap_client import Server

SAMPLE = Path(str(resources.files("circuit_resources"))) / "samples/virtual_lpr"
CONFIGURATIONS = {
    one["name"]: one for one in json.loads((SAMPLE / ".vscode/launch.json").read_text("utf-8"))["configurations"]
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample") / "virtual_lpr"
    shutil.copytree(SAMPLE, root)
    server = Server(root, files={"scripts/hello.py": "print('hello')\n"})
    yield server
    server.end()


@pytest.mark.parametrize("name", [name for name, one in CONFIGURATIONS.items() if one["request"] == "launch"])
def test_launch_configuration_of_the_sample_runs(sample, name):
    text = json.dumps(CONFIGURATIONS[name]).replace("${file}", str(sample.root / "scripts/hello.py"))
    arguments = json.loads(text.replace("${workspaceFolder}", str(sample.root)))
    client = sample.connect()

    client.launch(**arguments)
    if "recordStatements" in arguments:
        client.stopped()
        client.resume()

    assert client.finish() == 0
    client.close()
