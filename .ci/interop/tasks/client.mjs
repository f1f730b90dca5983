// The binary under test, and the official client with tasks connected to it.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { createTaskSessionFromClient } from "@modelcontextprotocol/ext-tasks/client";

export const binary = process.env.RUNS_MCP;
if (!binary) throw new Error("RUNS_MCP is the path of the binary; ../run sets it");

export const modern = "2026-07-28";
export const extension = "io.modelcontextprotocol/tasks";
const clientInfo = { name: "interop", version: "1.0.0" };

// meta is the _meta of a request of 2026-07-28.
export const meta = (extensions = {}) => ({
  "io.modelcontextprotocol/protocolVersion": modern,
  "io.modelcontextprotocol/clientInfo": clientInfo,
  "io.modelcontextprotocol/clientCapabilities": { extensions },
});

// connect starts runs-mcp. What client sends declares no extension; what session sends declares tasks; raw sends a
// request as it is, on the same pipe, since the client does not let a task through.
export async function connect(args, { env = {}, mode = { pin: modern } } = {}) {
  const transport = new StdioClientTransport({ command: binary, args, env, stderr: "ignore" });
  const client = new Client(clientInfo, { versionNegotiation: { mode } });
  await client.connect(transport, { timeout: 10_000 });
  const waiting = new Map();
  let ids = 0;
  const { onmessage } = transport;
  transport.onmessage = (message) => {
    const answered = waiting.get(message.id);
    waiting.delete(message.id);
    answered ? answered(message) : onmessage(message);
  };
  const raw = (request) => new Promise((resolve, reject) => {
    const id = `raw-${++ids}`;
    waiting.set(id, ({ result, error }) => resolve(error ? { kind: "error", error } : { kind: "result", result }));
    transport.send({ jsonrpc: "2.0", id, ...request }).catch(reject);
  });
  const session = createTaskSessionFromClient(client, {
    endpointId: "runs", rawDispatch: raw, v2RequestFraming: { protocolVersion: modern, clientInfo, clientCapabilities: {} },
  });
  const call = (name, args) => client.callTool({ name, arguments: args }, { timeout: 15_000 });
  const close = async () => { await session.close(); await client.close(); };
  return { client, session, call, raw, close, pid: transport.pid };
}
