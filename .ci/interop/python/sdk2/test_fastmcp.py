"""FastMCP's client."""

import anyio
import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError

pytestmark = pytest.mark.anyio

DEMO = {"thread_id": "thread_demo"}


def connect(program, **options):
    return Client(StdioTransport(program.command, program.args, keep_alive=False), **options)


async def test_tools(program):
    progress = []

    async def on_progress(count, total, message):
        progress.append(count)

    async with connect(program, progress_handler=on_progress) as client:
        assert sorted(tool.name for tool in await client.list_tools()) == ["cancel_run", "get_run", "list_runs"]
        active = await client.call_tool("list_runs", DEMO | {"status": ["active"], "fields": ["id"]})
        assert len(active.structured_content["data"]) == 4
        waited = await client.call_tool("get_run", DEMO | {"run_id": "run_queued", "wait": True})
        # data holds what the output schema names; structured_content holds the whole run.
        assert waited.data.status == "completed"
        assert waited.structured_content["usage"]["total_tokens"] == 500
        assert len(progress) >= 2 and progress == sorted(progress)
        cancelled = await client.call_tool("cancel_run", DEMO | {"run_id": "run_in_progress", "wait": True})
        assert cancelled.data.status == "cancelled"
        with pytest.raises(ToolError, match="No run found with id 'run_unknown'"):
            await client.call_tool("get_run", DEMO | {"run_id": "run_unknown"})
    assert program.exit_code() == 0


async def test_cancelled_scope(program):
    scope = anyio.CancelScope()

    async def on_progress(count, total, message):
        scope.cancel()

    async with connect(program) as client:
        with scope:
            endless = DEMO | {"run_id": "run_in_progress", "wait": True, "timeout_sec": 0}
            await client.call_tool("get_run", endless, progress_handler=on_progress)
        assert scope.cancelled_caught
        assert (await client.call_tool("get_run", DEMO | {"run_id": "run_failed"})).data.status == "failed"
    assert program.exit_code() == 0
