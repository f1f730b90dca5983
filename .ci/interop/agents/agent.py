# Prints the ids of a thread's active runs: python agent.py /path/to/runs-mcp
import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main():
    server = StdioServerParameters(command=sys.argv[1], args=["--sandbox"])
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        result = await session.call_tool(
            "list_runs", {"thread_id": "thread_demo", "status": ["active"], "fields": ["status"]}
        )
        for run in json.loads(result.content[0].text)["data"]:
            print(run["id"])


asyncio.run(main())
