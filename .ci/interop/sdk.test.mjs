// The official TypeScript SDK's client, against the sandbox; and README's recipe that uses it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv";
import { binary, connect } from "./client.mjs";

let client, call;
const validators = new Map();
before(async () => ({ client, call } = await connect(["--sandbox"])), { timeout: 15_000 });
after(() => client?.close());

function valid(name, result) {
  assert.ok(!result.isError, result.content[0].text);
  const verdict = validators.get(name)(result.structuredContent);
  assert.ok(verdict.valid, verdict.errorMessage);
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
  return result.structuredContent;
}

test("SDK: listTools, with output schemas that compile", async () => {
  assert.equal(client.getServerVersion().name, "runs-mcp");
  const { tools } = await client.listTools();
  for (const tool of tools) validators.set(tool.name, new AjvJsonSchemaValidator().getValidator(tool.outputSchema));
  assert.deepEqual([...validators.keys()].sort(), ["cancel_run", "get_run", "list_runs"]);
  assert.equal(validators.get("get_run")({ status: "queued" }).valid, false, "a Run without an id must not pass");
});

test("SDK: every status, and both threads, validate", async () => {
  const list = valid("list_runs", await call("list_runs", { thread_id: "thread_demo", fields: ["*"] }));
  assert.equal(new Set(list.data.map((r) => r.status)).size, 9);
  for (const { id } of list.data) assert.equal(valid("get_run", await call("get_run", { thread_id: "thread_demo", run_id: id })).id, id);
  const all = valid("list_runs", await call("list_runs", { thread_id: "thread_long", all: true }));
  assert.equal(all.data.length, 250);
});

test("SDK: progress during waits", async () => {
  const progress = [];
  const onprogress = (p) => progress.push(p.progress);
  const run = valid("get_run", await call("get_run", { thread_id: "thread_demo", run_id: "run_queued", wait: true }, { onprogress }));
  assert.equal(run.status, "completed");
  const cancelled = valid("cancel_run", await call("cancel_run", { thread_id: "thread_demo", run_id: "run_requires_action", wait: true }));
  assert.equal(cancelled.status, "cancelled");
  assert.ok(progress.length >= 2, `${progress.length} progress notifications`);
  assert.ok(progress.every((p, i) => i === 0 || p > progress[i - 1]), `progress goes ${progress}`);
});

test("SDK: an aborted wait ends, and the next call is served", async () => {
  const abort = new AbortController();
  let polls = 0;
  const onprogress = () => ++polls === 2 && abort.abort("enough");
  const endless = { thread_id: "thread_demo", run_id: "run_in_progress", wait: true, timeout_sec: 0 };
  await assert.rejects(call("get_run", endless, { signal: abort.signal, onprogress }), /enough/);
  const strays = [];
  client.onerror = (error) => strays.push(error.message); // such as progress for a call that is over
  await sleep(1500);
  client.onerror = undefined;
  assert.deepEqual(strays, []);
  assert.equal(valid("get_run", await call("get_run", { thread_id: "thread_demo", run_id: "run_failed" })).status, "failed");
});

test("SDK: errors have text, and no structuredContent", async () => {
  for (const args of [{ thread_id: "thread_demo", run_id: "run_none" }, { thread_id: "thread_demo", run: "run_failed" }]) {
    const result = await call("get_run", args);
    assert.equal(result.isError, true);
    assert.equal(result.structuredContent, undefined);
    assert.ok(result.content[0].text);
  }
  await assert.rejects(call("no_such_tool", {}), { code: -32602 });
});

test("README's recipe in JavaScript prints the active runs", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const [, recipe] = /^```js\n(.*?)^```$/ms.exec(readme);
  // Read from stdin, it finds its package from here; "-" stands where its file's name would.
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-", binary], { cwd: new URL(".", import.meta.url), timeout: 15_000 });
  run.child.stdin.end(recipe);
  const { stdout, stderr } = await run;
  assert.equal(stderr, "");
  assert.deepEqual(stdout.split("\n"), ["run_cancelling", "run_requires_action", "run_in_progress", "run_queued", ""]);
});
