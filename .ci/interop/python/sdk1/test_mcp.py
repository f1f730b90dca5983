"""The official SDK, version 1, which most frameworks still build on. It knows the older protocol versions only."""

import json

import anyio
import pytest
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CancelledNotification, CancelledNotificationParams, ClientNotification

pytestmark = pytest.mark.anyio

DEMO = {"thread_id": "thread_demo"}


def connect(program):
    return stdio_client(StdioServerParameters(command=program.command, args=program.args))


async def test_tools(program):
    async with connect(program) as (read, write), ClientSession(read, write) as session:
        assert (await session.initialize()).protocolVersion == "2025-11-25"
        assert sorted(tool.name for tool in (await session.list_tools()).tools) == ["cancel_run", "get_run", "list_runs"]
        everything = await session.call_tool("list_runs", DEMO | {"fields": ["*"]})
        assert len({run["status"] for run in everything.structuredContent["data"]}) == 9
        for run in everything.structuredContent["data"]:
            one = await session.call_tool("get_run", DEMO | {"run_id": run["id"]})
            assert json.loads(one.content[0].text) == one.structuredContent
        cancelled = await session.call_tool("cancel_run", DEMO | {"run_id": "run_in_progress", "wait": True})
        assert cancelled.structuredContent["status"] == "cancelled"
        unknown = await session.call_tool("get_run", DEMO | {"run_id": "run_unknown"})
        assert unknown.isError and unknown.structuredContent is None
        assert "No run found with id 'run_unknown'" in unknown.content[0].text
        with pytest.raises(McpError) as refused:
            await session.call_tool("no_such_tool", {})
        assert refused.value.error.code == -32602
    assert program.exit_code() == 0


async def test_wait_with_progress(program):
    progress = []

    async def on_progress(count, total, message):
        progress.append(count)

    async with connect(program) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        waited = await session.call_tool("get_run", DEMO | {"run_id": "run_queued", "wait": True}, progress_callback=on_progress)
    assert waited.structuredContent["status"] == "completed"
    assert len(progress) >= 2 and progress == sorted(set(progress))
    assert program.exit_code() == 0


async def test_cancelled_notification(program):
    scope = anyio.CancelScope()

    async def on_progress(count, total, message):
        scope.cancel()

    async with connect(program) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        request_id = session._request_id  # of the next request; there is no public way to learn it
        with scope:
            endless = DEMO | {"run_id": "run_in_progress", "wait": True, "timeout_sec": 0}
            await session.call_tool("get_run", endless, progress_callback=on_progress)
        assert scope.cancelled_caught
        # This version tells the server nothing by itself.
        cancelled = CancelledNotification(params=CancelledNotificationParams(requestId=request_id))
        await session.send_notification(ClientNotification(cancelled))
        next_call = await session.call_tool("get_run", DEMO | {"run_id": "run_failed"})
        assert next_call.structuredContent["status"] == "failed"
    assert program.exit_code() == 0
