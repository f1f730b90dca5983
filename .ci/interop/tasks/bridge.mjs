// An HTTP endpoint that passes each request on to runs-mcp, and gives its tools the names that the conformance suite
// asks for.
import { spawn } from "node:child_process";
import http from "node:http";
import readline from "node:readline";
import { binary } from "./client.mjs";

// Each tool of the suite is a get_run, on a run of runsapi.mjs that it has to itself. The suite gives a task 10 s to end
// after a tasks/cancel, and ours does not end the run: therefore none takes longer than 3 s.
let runs = 0;
const tools = {
  greet: () => ({ run_id: `run_0_completed_${++runs}` }),
  slow_compute: ({ seconds }) => ({ run_id: `run_${Math.min(seconds, 3)}_completed_${++runs}`, wait: true }),
  failing_job: () => ({ run_id: `run_1_gone_${++runs}`, wait: true }),
  confirm_delete: () => ({ run_id: `run_1_requires_action_${++runs}`, wait: true }),
};

export async function bridge(env) {
  const child = spawn(binary, [], { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "ignore"] });
  const waiting = new Map();
  readline.createInterface({ input: child.stdout }).on("line", (line) => {
    const { id, ...answer } = JSON.parse(line);
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  let ids = 0;
  const server = http.createServer(async (req, res) => {
    let body = "";
    for await (const chunk of req) body += chunk;
    const { id, ...request } = JSON.parse(body);
    const tool = request.method === "tools/call" && tools[request.params.name];
    if (tool) Object.assign(request.params, { name: "get_run", arguments: { thread_id: "thread_1", ...tool(request.params.arguments) } });
    const answered = new Promise((resolve) => waiting.set(++ids, resolve));
    child.stdin.write(JSON.stringify({ id: ids, ...request }) + "\n");
    res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ id, ...await answered }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => { server.close(); server.closeAllConnections(); child.kill(); };
  return { url: `http://127.0.0.1:${server.address().port}/mcp`, close };
}
