"""mcp-proxy, which gives hosts that speak HTTP only a way to the program."""

import os
import re
import subprocess
import sys

import pytest
from conftest import RUNS_MCP
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

pytestmark = pytest.mark.anyio

DEMO = {"thread_id": "thread_demo"}


@pytest.fixture
def proxy():
    """The address of a proxy, which prints it among its log lines."""
    command = [sys.executable, "-m", "mcp_proxy", "--port", "0", "--pass-environment", "--", RUNS_MCP]
    env = os.environ | {"RUNS_MCP_SANDBOX": "true"}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as server:
        log = []
        for line in server.stderr:
            log.append(line)
            if listening := re.search(r"Uvicorn running on (http://127\.0\.0\.1:\d+)", line):
                break
        else:
            pytest.fail("".join(log))
        yield listening[1] + "/mcp"
        server.terminate()
        server.stderr.read()


async def test_tools(proxy):
    async with streamable_http_client(proxy) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        assert sorted(tool.name for tool in (await session.list_tools()).tools) == ["cancel_run", "get_run", "list_runs"]
        active = await session.call_tool("list_runs", DEMO | {"status": ["active"], "fields": ["id"]})
        assert len(active.structuredContent["data"]) == 4
        waited = await session.call_tool("get_run", DEMO | {"run_id": "run_queued", "wait": True})
        assert waited.structuredContent["status"] == "completed"
        cancelled = await session.call_tool("cancel_run", DEMO | {"run_id": "run_in_progress", "wait": True})
        assert cancelled.structuredContent["status"] == "cancelled"
        unknown = await session.call_tool("get_run", DEMO | {"run_id": "run_unknown"})
        assert unknown.isError
        assert "No run found with id 'run_unknown'" in unknown.content[0].text
