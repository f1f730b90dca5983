"""The official SDK, version 2, in both eras of the protocol."""

import json

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters

ERAS = [("legacy", "2025-11-25"), ("auto", "2026-07-28")]
pytestmark = [pytest.mark.anyio, pytest.mark.parametrize(("mode", "version"), ERAS)]

DEMO = {"thread_id": "thread_demo"}


def connect(program, mode):
    return Client(StdioServerParameters(command=program.command, args=program.args), mode=mode, read_timeout_seconds=30)


async def test_tools(program, mode, version):
    async with connect(program, mode) as client:
        assert client.protocol_version == version
        assert sorted(tool.name for tool in (await client.list_tools()).tools) == ["cancel_run", "get_run", "list_runs"]
        everything = await client.call_tool("list_runs", DEMO | {"fields": ["*"]})
        assert len({run["status"] for run in everything.structured_content["data"]}) == 9
        for run in everything.structured_content["data"]:
            one = await client.call_tool("get_run", DEMO | {"run_id": run["id"]})
            assert one.structured_content["id"] == run["id"]
            assert json.loads(one.content[0].text) == one.structured_content
        cancelled = await client.call_tool("cancel_run", DEMO | {"run_id": "run_in_progress", "wait": True})
        assert cancelled.structured_content["status"] == "cancelled"
        unknown = await client.call_tool("get_run", DEMO | {"run_id": "run_unknown"})
        assert unknown.is_error and unknown.structured_content is None
        assert "No run found with id 'run_unknown'" in unknown.content[0].text
        with pytest.raises(MCPError) as refused:
            await client.call_tool("no_such_tool", {})
        assert refused.value.code == -32602
    assert program.exit_code() == 0


async def test_wait_with_progress(program, mode, version):
    progress = []

    async def on_progress(count, total, message):
        progress.append(count)

    async with connect(program, mode) as client:
        waited = await client.call_tool("get_run", DEMO | {"run_id": "run_queued", "wait": True}, progress_callback=on_progress)
    assert waited.structured_content["status"] == "completed"
    assert len(progress) >= 2 and progress == sorted(set(progress))
    assert program.exit_code() == 0


async def test_cancelled_scope(program, mode, version):
    scope = anyio.CancelScope()

    async def on_progress(count, total, message):
        scope.cancel()

    async with connect(program, mode) as client:
        with scope:
            endless = DEMO | {"run_id": "run_in_progress", "wait": True, "timeout_sec": 0}
            await client.call_tool("get_run", endless, progress_callback=on_progress)
        assert scope.cancelled_caught
        next_call = await client.call_tool("get_run", DEMO | {"run_id": "run_failed"})
        assert next_call.structured_content["status"] == "failed"
    assert program.exit_code() == 0
