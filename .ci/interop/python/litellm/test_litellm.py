"""LiteLLM's proxy between the program and a Runs API, by its pass-through route, as README has it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

KEY = "sk-litellm"


@pytest.fixture
def proxy(sandbox):
    """The address of a proxy, which prints it among its log lines."""
    litellm = Path(sys.executable).with_name("litellm")
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    env |= {"LITELLM_MASTER_KEY": KEY, "OPENAI_API_BASE": sandbox.removesuffix("/v1"), "OPENAI_API_KEY": "sk-upstream"}
    command = [litellm, "--host", "127.0.0.1", "--port", "0", "--telemetry", "False"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        log = []
        for line in server.stdout:
            log.append(line)
            if listening := re.search(r"Uvicorn running on (http://127\.0\.0\.1:\d+)", line):
                break
        else:
            pytest.fail("".join(log))
        yield listening[1]
        server.terminate()
        server.stdout.read()


@pytest.mark.timeout(120)  # it takes the proxy 8 s to start on an idle machine
def test_pass_through(call, proxy):
    def through(tool, **arguments):
        return call(f"{proxy}/openai_passthrough/v1", tool, {"thread_id": "thread_demo"} | arguments, key=KEY)

    active = json.loads(through("list_runs", status=["active"], order="desc", limit=1, fields=["id"]))
    assert active["data"] == [{"id": "run_queued", "status": "queued"}]
    page = json.loads(through("list_runs", thread_id="thread_long", limit=2, order="desc", after="run_long_100"))
    assert [run["id"] for run in page["data"]] == ["run_long_099", "run_long_098"]
    assert '"temperature":1.0' in through("get_run", run_id="run_failed")
    assert json.loads(through("get_run", run_id="run_queued", wait=True))["status"] == "completed"
    assert json.loads(through("cancel_run", run_id="run_in_progress", wait=True))["status"] == "cancelled"
    assert "No run found with id 'run_unknown'" in through("get_run", run_id="run_unknown")
    assert "Cannot cancel run with status 'completed'" in through("cancel_run", run_id="run_completed", force=True)
