// The MCP Inspector's command line, which is what inspector --cli runs, against the sandbox.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { promisify } from "node:util";
import { binary } from "./client.mjs";

const cli = fileURLToPath(new URL("node_modules/@modelcontextprotocol/inspector/cli/build/cli.js", import.meta.url));

// inspect rejects when the Inspector's exit code is not 0.
async function inspect(...args) {
  const command = [cli, "--cli", binary, "--sandbox", "--method", ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, { timeout: 20_000 });
  return JSON.parse(stdout);
}

async function call(tool, ...args) {
  const result = await inspect("tools/call", "--tool-name", tool, "--tool-arg", ...args);
  if (!result.isError) assert.deepEqual(result.structuredContent, JSON.parse(result.content[0].text));
  return result;
}

test("Inspector: tools/list", async () => {
  const { tools } = await inspect("tools/list");
  assert.deepEqual(tools.map((t) => t.name).sort(), ["cancel_run", "get_run", "list_runs"]);
  for (const tool of tools) assert.equal(tool.outputSchema.type, "object");
});

test("Inspector: get_run, as in README", async () => {
  const { structuredContent: run } = await call("get_run", "thread_id=thread_demo", "run_id=run_failed");
  assert.equal(run.status, "failed");
  assert.equal(run.last_error.code, "rate_limit_exceeded");
});

test("Inspector: list_runs, with a number and an array", async () => {
  const { structuredContent: list } = await call("list_runs", "thread_id=thread_long", "limit=3", 'status=["failed"]');
  assert.deepEqual(list.data.map((r) => r.id), ["run_long_008", "run_long_018", "run_long_028"]);
});

test("Inspector: cancel_run, with a boolean", async () => {
  const { structuredContent: run } = await call("cancel_run", "thread_id=thread_demo", "run_id=run_requires_action", "wait=true");
  assert.equal(run.status, "cancelled");
});

test("Inspector: a tool error is printed", async () => {
  const result = await call("get_run", "thread_id=thread_demo", "run_id=run_none");
  assert.equal(result.isError, true);
  assert.match(result.content[0].text, /No run found with id 'run_none'/);
});
