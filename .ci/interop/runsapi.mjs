// A Runs API with one thread, which writes down what it is asked.
import http from "node:http";

// What JavaScript would change if it read and wrote it.
export const exact = '"seed":12345678901234567890,"temperature":1.0';

export async function serve() {
  const runs = Array.from({ length: 205 }, (_, i) => ({
    id: `run_${i + 1}`, object: "thread.run", created_at: 1_700_000_000 + i, thread_id: "thread_1",
    status: i === 200 ? "in_progress" : "completed", last_error: null, metadata: {}, seed: 0,
  }));
  const requests = [];
  const server = http.createServer(async (req, res) => {
    let body = "";
    for await (const chunk of req) body += chunk;
    const { pathname, searchParams: query } = new URL(req.url, "http://mock");
    requests.push({ method: req.method, pathname, query, headers: req.headers, body });
    const headers = { "content-type": "application/json", "x-request-id": "req_mock", "openai-poll-after-ms": "100" };
    const send = (status, value) => res.writeHead(status, headers).end(JSON.stringify(value).replaceAll('"seed":0', exact));
    const fail = (status, message) => send(status, { error: { message, type: "invalid_request_error", param: null, code: null } });
    const [, id, action] = /^\/v1\/threads\/thread_1\/runs(?:\/([^/]+)(\/cancel)?)?$/.exec(pathname) ?? [];
    const run = runs.find((r) => r.id === id);
    if (req.headers.authorization !== "Bearer sk-interop") return fail(401, "Incorrect API key provided.");
    if (req.headers["openai-beta"] !== "assistants=v2") return fail(400, "You must provide the 'OpenAI-Beta' header.");
    if (!pathname.startsWith("/v1/threads/thread_1/runs")) return fail(404, `Invalid URL (${req.method} ${pathname})`);
    if (id && !run) return fail(404, `No run found with id '${id}'.`);
    if (req.method === "POST" && action) {
      if (body !== "") return fail(400, `Unexpected body: ${body}`);
      if (run.status === "in_progress") run.status = "cancelling";
      else return fail(400, `Cannot cancel run with status '${run.status}'.`);
    }
    if (run) {
      const answer = send(200, run);
      if (run.status === "cancelling") setTimeout(() => (run.status = "cancelled"), 200);
      return answer;
    }
    const ordered = query.get("order") === "asc" ? runs : runs.toReversed();
    const first = ordered.findIndex((r) => r.id === query.get("after")) + 1;
    const data = ordered.slice(first, first + Number(query.get("limit") ?? 20));
    send(200, { object: "list", data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: first + data.length < runs.length });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => { server.close(); server.closeAllConnections(); };
  return { base: `http://127.0.0.1:${server.address().port}/v1`, requests, close };
}
