// Prints the ids of a thread's active runs: node agent.mjs /path/to/runs-mcp
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const client = new Client({ name: "agent", version: "1.0.0" });
await client.connect(new StdioClientTransport({ command: process.argv[2], args: ["--sandbox"] }));
const result = await client.callTool({
  name: "list_runs",
  arguments: { thread_id: "thread_demo", status: ["active"], fields: ["status"] },
});
if (result.isError) throw new Error(result.content[0].text);
for (const run of result.structuredContent.data) console.log(run.id);
await client.close();
