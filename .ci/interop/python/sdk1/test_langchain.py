"""LangChain's adapters, with the scripted model behind ChatOpenAI."""

import asyncio
import json

import pytest
from langchain.agents import create_agent
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from langchain_openai import ChatOpenAI
from loopback import Model
from script import TURNS, check

pytestmark = pytest.mark.anyio

DEMO = {"thread_id": "thread_demo"}


def client(program, **options):
    server = {"transport": "stdio", "command": program.command, "args": program.args}
    return MultiServerMCPClient({"runs": server}, **options)


async def test_agent(program):
    model = Model(*TURNS)
    with model.serve():
        async with client(program).session("runs") as session:
            chat = ChatOpenAI(model="scripted", base_url=model.base_url, api_key="sk-scripted")
            agent = create_agent(chat, await load_mcp_tools(session))
            result = await agent.ainvoke({"messages": [("user", "Free the thread.")]})
    assert result["messages"][-1].content == TURNS[-1]
    check(model)
    assert program.exit_code() == 0


async def test_a_process_for_each_call(program):
    """Without a session of their own the tools start the program anew for each call."""
    progress = []

    async def on_progress(count, total, message, context):
        progress.append(count)

    tools = {tool.name: tool for tool in await client(program, callbacks=Callbacks(on_progress=on_progress)).get_tools()}
    [waited] = await tools["get_run"].ainvoke(DEMO | {"run_id": "run_queued", "wait": True})
    assert json.loads(waited["text"])["status"] == "completed"
    assert program.exit_code() == 0
    assert len(progress) >= 2 and progress == sorted(set(progress))
    [unknown] = await tools["get_run"].ainvoke(DEMO | {"run_id": "run_unknown"})
    assert "No run found with id 'run_unknown'" in unknown["text"]
    assert program.exit_code() == 0


async def test_cancelled_task(program):
    """The SDK that the adapters build on ends the process instead of cancelling the call; nothing of it is left."""
    waiting = asyncio.Event()

    async def on_progress(count, total, message, context):
        waiting.set()

    [get_run] = [tool for tool in await client(program, callbacks=Callbacks(on_progress=on_progress)).get_tools() if tool.name == "get_run"]
    endless = DEMO | {"run_id": "run_in_progress", "wait": True, "timeout_sec": 0}
    task = asyncio.create_task(get_run.ainvoke(endless))
    await waiting.wait()
    task.cancel()
    with pytest.raises((asyncio.CancelledError, ExceptionGroup)):
        await task
