"""Pydantic AI, with the scripted model."""

import asyncio

import pytest
from fastmcp.client.transports import StdioTransport
from loopback import Model
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from script import TURNS, check

pytestmark = pytest.mark.anyio


def agent(model, program, on_progress):
    # By default the process outlives the connection.
    toolset = MCPToolset(StdioTransport(program.command, program.args, keep_alive=False), progress_handler=on_progress)
    provider = OpenAIProvider(base_url=model.base_url, api_key="sk-scripted")
    return Agent(OpenAIChatModel("scripted", provider=provider), toolsets=[toolset])


async def test_agent(program):
    model = Model(*TURNS)
    progress = []

    async def on_progress(count, total, message):
        progress.append(message)

    with model.serve():
        async with agent(model, program, on_progress) as connected:
            result = await connected.run("Free the thread.")
    assert result.output == TURNS[-1]
    check(model)
    assert any("in_progress" in message for message in progress)
    assert program.exit_code() == 0


async def test_cancelled_task(program):
    model = Model([("get_run", {"thread_id": "thread_demo", "run_id": "run_in_progress", "wait": True, "timeout_sec": 0})])
    waiting = asyncio.Event()

    async def on_progress(count, total, message):
        waiting.set()

    with model.serve():
        async with agent(model, program, on_progress) as connected:
            task = asyncio.create_task(connected.run("Wait."))
            await waiting.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert program.exit_code() == 0  # an endless wait would still go on, and the program be killed
