// The binary under test, and the SDK's client connected to it.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

export const binary = process.env.RUNS_MCP;
if (!binary) throw new Error("RUNS_MCP is the path of the binary; ./run sets it");

// connect starts runs-mcp with env, and no more of this environment than the SDK hands on.
export async function connect(args, env = {}) {
  const transport = new StdioClientTransport({ command: binary, args, env, stderr: "ignore" });
  const client = new Client({ name: "interop", version: "1.0.0" });
  await client.connect(transport, { timeout: 10_000 });
  const call = (name, args, options) => client.callTool({ name, arguments: args }, undefined, { timeout: 15_000, ...options });
  return { client, call };
}
