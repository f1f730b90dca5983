import json
import os
import subprocess

import pytest

RUNS_MCP = os.environ["RUNS_MCP"]  # set by ../run


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Program:
    """The command line by which a framework starts runs-mcp: in a shell that notes the exit code."""

    command = "/bin/sh"

    def __init__(self, exit_code_file):
        self.exit_code_file = exit_code_file
        self.args = ["-c", '"$@"; echo $? >"$0"', str(exit_code_file), RUNS_MCP, "--sandbox"]

    def exit_code(self):
        """The exit code. There is none while the program runs, or if the framework killed it."""
        return int(self.exit_code_file.read_text())


@pytest.fixture
def program(tmp_path):
    yield Program(tmp_path / "exit_code")
    with pytest.raises(ChildProcessError):  # neither a running process nor a zombie is left
        os.waitpid(-1, os.WNOHANG)


@pytest.fixture
def sandbox():
    """The base URL of a fresh sandbox over HTTP."""
    command = [os.environ["RUNS_MCP_SANDBOX_SERVER"]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        yield server.stdout.readline().strip()
        server.stdin.close()


@pytest.fixture
def call():
    """Calls a tool through a pipe, the Runs API being at base_url, and returns the text of the result."""

    def call(base_url, tool, arguments, key=None):
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        env = {"OPENAI_BASE_URL": base_url} | ({"OPENAI_API_KEY": key} if key else {})
        done = subprocess.run([RUNS_MCP], input=json.dumps(request), env=env, capture_output=True, text=True, timeout=55)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)["result"]["content"][0]["text"]

    return call
