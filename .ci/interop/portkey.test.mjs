// The Portkey gateway, self-hosted, between runs-mcp and a Runs API.
//
// package.json holds the gateway's @hono/node-server at 1.14.1: with a newer one, which its own package.json
// allows, the gateway answers every success with a 500 (github.com/Portkey-AI/gateway/issues/1389).
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { after, before, beforeEach, test } from "node:test";
import { connect } from "./client.mjs";
import { exact, serve } from "./runsapi.mjs";

const start = fileURLToPath(new URL("node_modules/@portkey-ai/gateway/build/start-server.js", import.meta.url));
let api, gateway, env, client, call;

before(async () => {
  api = await serve();
  gateway = fork(start, ["--headless", "--port=0"], {
    execArgv: ["--import", new URL("loopback.mjs", import.meta.url).href],
    env: { PATH: process.env.PATH, NODE_ENV: "production" },
    stdio: ["ignore", "ignore", process.env.DEBUG ? "inherit" : "ignore", "ipc"], // it logs a TypeError for each request without a body
  });
  const [port] = await once(gateway, "message", { signal: AbortSignal.timeout(15_000) });
  env = {
    OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
    OPENAI_API_KEY: "sk-interop",
    PORTKEY_PROVIDER: "openai",
    RUNS_MCP_HEADERS: `x-portkey-custom-host: ${api.base}`,
  };
  ({ client, call } = await connect([], env));
}, { timeout: 30_000 });
beforeEach(() => api.requests.splice(0));
after(async () => {
  await client?.close();
  gateway?.kill();
  api?.close();
});

const path = "/v1/threads/thread_1/runs";
const asked = () => api.requests.map((r) => `${r.method} ${r.pathname}`);

test("Portkey: get_run, the API's bytes intact", async () => {
  const result = await call("get_run", { thread_id: "thread_1", run_id: "run_7" });
  assert.equal(result.structuredContent?.status, "completed", result.content[0].text);
  assert.ok(result.content[0].text.includes(exact), result.content[0].text);
  assert.deepEqual(asked(), [`GET ${path}/run_7`]);
  const { headers } = api.requests[0];
  assert.match(headers["user-agent"], /^runs-mcp\//);
  assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith("x-portkey")), []);
});

test("Portkey: list_runs, one page and all pages", async () => {
  const page = await call("list_runs", { thread_id: "thread_1", limit: 2, order: "desc", before: "run_1" });
  assert.deepEqual(page.structuredContent?.data.map((r) => r.id), ["run_205", "run_204"], page.content[0].text);
  assert.deepEqual(Object.fromEntries(api.requests[0].query), { limit: "2", order: "desc", before: "run_1" });
  const all = await call("list_runs", { thread_id: "thread_1", all: true });
  assert.equal(all.structuredContent?.data.length, 205, all.content[0].text);
  assert.deepEqual(api.requests.slice(1).map((r) => r.query.get("after")), [null, "run_100", "run_200"]);
});

test("Portkey: cancel_run, with no body, until it is cancelled", async () => {
  const result = await call("cancel_run", { thread_id: "thread_1", run_id: "run_201", wait: true });
  assert.equal(result.structuredContent?.status, "cancelled", result.content[0].text);
  assert.deepEqual(asked().slice(0, 3), [`GET ${path}/run_201`, `POST ${path}/run_201/cancel`, `GET ${path}/run_201`]);
  const cancels = api.requests.filter((r) => r.method === "POST");
  assert.deepEqual(cancels.map((r) => [r.body, r.headers["content-length"]]), [["", "0"]]);
});

test("Portkey: the API's errors come through", async () => {
  const missing = await call("get_run", { thread_id: "thread_1", run_id: "run_none" });
  const refused = await call("cancel_run", { thread_id: "thread_1", run_id: "run_7", force: true });
  assert.ok(missing.isError && refused.isError);
  assert.match(missing.content[0].text, /HTTP 404: No run found with id 'run_none'\..*req_mock/);
  assert.match(refused.content[0].text, /HTTP 400: Cannot cancel run with status 'completed'\./);
});

test("Portkey: the gateway's own errors come through", async (t) => {
  const lost = await connect([], { ...env, PORTKEY_PROVIDER: "" });
  t.after(() => lost.client.close());
  const result = await lost.call("get_run", { thread_id: "thread_1", run_id: "run_7" });
  assert.match(result.content[0].text, /HTTP 400: Either x-portkey-config or x-portkey-provider header is required/);
});
