"""Pydantic AI, with the scripted model by Chat Completions and by Responses."""

import anyio
import pytest
from fastmcp.client.transports import StdioTransport
from loopback import Model
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from script import TURNS, check

pytestmark = pytest.mark.anyio


def agent(model, program, api, **options):
    toolset = MCPToolset(StdioTransport(program.command, program.args, keep_alive=False), **options)
    return Agent(api("scripted", provider=OpenAIProvider(base_url=model.base_url, api_key="sk-scripted")), toolsets=[toolset])


@pytest.mark.parametrize("api", [OpenAIChatModel, OpenAIResponsesModel])
async def test_agent(program, api):
    model = Model(*TURNS)
    progress = []

    async def on_progress(count, total, message):
        progress.append(message)

    with model.serve():
        async with agent(model, program, api, progress_handler=on_progress) as connected:
            result = await connected.run("Free the thread.")
    assert result.output == TURNS[-1]
    check(model)
    assert any("in_progress" in message for message in progress)
    assert program.exit_code() == 0


async def test_cancelled_scope(program):
    model = Model([("get_run", {"thread_id": "thread_demo", "run_id": "run_in_progress", "wait": True, "timeout_sec": 0})])
    scope = anyio.CancelScope()

    async def on_progress(count, total, message):
        scope.cancel()

    with model.serve():
        async with agent(model, program, OpenAIChatModel, progress_handler=on_progress) as connected:
            with scope:
                await connected.run("Wait.")
    assert scope.cancelled_caught
    assert program.exit_code() == 0  # an endless wait would still go on, and the program be killed
