// A Runs API that outlives the servers that ask it. A run's id says how it goes: run_2_failed_x is in progress for 2 s
// after it was first read, and then failed. One that ends as "gone" is not found from then on.
import http from "node:http";

export async function serve() {
  const runs = new Map();
  const requests = [];
  const server = http.createServer((req, res) => {
    const { pathname } = new URL(req.url, "http://runs");
    requests.push(`${req.method} ${pathname}`);
    const send = (status, value) => res.writeHead(status, { "content-type": "application/json", "openai-poll-after-ms": "100" }).end(JSON.stringify(value));
    const [, id, action] = /^\/v1\/threads\/thread_1\/runs\/([^/]+)(?:\/(cancel|steps))?$/.exec(pathname) ?? [];
    const [, seconds, end] = /^run_(\d+)_(.+)_[^_]+$/.exec(id) ?? [];
    const now = Date.now();
    const run = runs.get(id) ?? { begin: now, over: now + seconds * 1000, end };
    runs.set(id, run);
    if (action === "cancel") Object.assign(run, { over: now + 500, end: "cancelled", cancelling: true });
    const status = now >= run.over ? run.end : run.cancelling ? "cancelling" : "in_progress";
    if (!seconds || status === "gone") return send(404, { error: { message: `No run found with id '${id}'.`, type: "invalid_request_error", param: null, code: null } });
    if (action === "steps") return send(200, { object: "list", data: [{ id: "step_2", type: "tool_calls" }, { id: "step_1", type: "message_creation" }], has_more: false });
    const required_action = status === "requires_action" ? { type: "submit_tool_outputs" } : null;
    send(200, { id, object: "thread.run", created_at: Math.floor(run.begin / 1000), thread_id: "thread_1", status, required_action, usage: { total_tokens: 7 } });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => { server.close(); server.closeAllConnections(); };
  return { base: `http://127.0.0.1:${server.address().port}/v1`, requests, close };
}
