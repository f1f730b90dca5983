"""The OpenAI Agents SDK, with OpenAI's own client of either API in front of the scripted model."""

import asyncio
import json

import pytest
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerStdio
from loopback import Model, replay
from openai import AsyncOpenAI
from script import TURNS, check

pytestmark = pytest.mark.anyio
set_tracing_disabled(True)


def start(program, **options):
    # The SDK gives a call up after 5 s unless told otherwise.
    return MCPServerStdio({"command": program.command, "args": program.args}, client_session_timeout_seconds=60, **options)


def agent(model, server, api, **options):
    client = AsyncOpenAI(base_url=model.base_url, api_key="sk-scripted")
    return Agent(name="agent", model=api("scripted", client), mcp_servers=[server], **options)


@pytest.mark.parametrize(("api", "structured"), [(OpenAIResponsesModel, False), (OpenAIChatCompletionsModel, True)])
async def test_agent(program, api, structured):
    model = Model(*TURNS)
    with model.serve():
        async with start(program, use_structured_content=structured) as server:
            result = await Runner.run(agent(model, server, api), "Free the thread.")
    assert result.final_output == TURNS[-1]
    check(model)
    assert program.exit_code() == 0


async def test_strict_schemas(program):
    """With convert_schemas_to_strict every argument is required: a model fills those that it does not need."""
    filled = {"string": "", "array": [], "boolean": False, "integer": 1}
    async with start(program) as server:
        arguments = {
            tool.name: {name: filled[schema["type"]] for name, schema in tool.input_schema["properties"].items()}
            for tool in await server.list_tools()
        }
        failed = arguments["get_run"] | {"thread_id": "thread_demo", "run_id": "run_failed"}
        listed = arguments["list_runs"] | {"thread_id": "thread_demo", "order": "asc"}
        model = Model([("get_run", failed), ("list_runs", listed)], "Done.")
        with model.serve():
            strict = agent(model, server, OpenAIResponsesModel, mcp_config={"convert_schemas_to_strict": True})
            await Runner.run(strict, "Look.")
    for name, schema in model.offered().items():
        assert set(schema["required"]) == set(arguments[name])
    run, runs = map(json.loads, model.results())
    assert run["last_error"]["code"] == "rate_limit_exceeded"
    assert [run["id"] for run in runs["data"]] == ["run_completed"]
    assert program.exit_code() == 0


async def test_cancelled_task(program):
    running = b'{"id":"run_1","object":"thread.run","status":"in_progress"}'
    model = Model([("get_run", {"thread_id": "thread_1", "run_id": "run_1", "wait": True, "timeout_sec": 0})])
    with model.serve(), replay(running) as (base_url, paths):
        program.args[program.args.index("--sandbox")] = f"--api-base={base_url}"
        async with start(program) as server:
            task = asyncio.create_task(Runner.run(agent(model, server, OpenAIResponsesModel), "Wait."))
            await asyncio.to_thread(paths.get)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            result = await server.call_tool("get_run", {"thread_id": "thread_1", "run_id": "run_1"})
            assert not result.is_error
    assert program.exit_code() == 0  # an endless wait would still go on, and the program be killed
