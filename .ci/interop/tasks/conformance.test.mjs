// The conformance suite's scenarios of tasks, as far as they fit three tools over stdio.
//
// The other scenarios need what this server has no use for: tasks-mrtr-input and tasks-mrtr-composition, tools that ask
// the user something; tasks-required-task-error, a tool that works as a task only; tasks-request-headers, HTTP headers.
// tasks-status-notifications is empty in this version.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bridge } from "./bridge.mjs";
import { serve } from "./runsapi.mjs";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const suite = ["--import", path("node20.mjs"), path("node_modules/@modelcontextprotocol/conformance/dist/index.js")];

describe("conformance", { concurrency: true }, () => {
  let api, endpoint;
  before(async () => {
    api = await serve();
    endpoint = await bridge({ OPENAI_BASE_URL: api.base, OPENAI_API_KEY: "sk-interop" });
  });
  after(() => {
    endpoint?.close();
    api?.close();
  });

  for (const scenario of ["lifecycle", "capability-negotiation", "wire-fields", "request-state-removal", "dispatch-and-envelope"]) {
    test(`conformance: tasks-${scenario}`, async () => {
      const args = ["server", "--url", endpoint.url, "--scenario", `tasks-${scenario}`, "--spec-version", "2026-07-28", "--force"];
      const run = promisify(execFile)(process.execPath, [...suite, ...args, "--expected-failures", path("expected-failures.yml")], { timeout: 40_000 });
      const { stdout } = await run.catch((error) => assert.fail(error.stdout + error.stderr));
      assert.match(stdout, /Passed: [1-9]/, stdout);
    });
  }
});
