// The official client with tasks: ext-tasks over the TypeScript SDK.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { resultFromTaskOutcome } from "@modelcontextprotocol/ext-tasks/client";
import { connect, extension, meta } from "./client.mjs";
import { serve } from "./runsapi.mjs";

describe("tasks", { concurrency: true }, () => {
  let api, env, sandbox, server;
  before(async () => {
    api = await serve();
    env = { OPENAI_BASE_URL: api.base, OPENAI_API_KEY: "sk-interop" };
    [sandbox, server] = await Promise.all([connect(["--sandbox"]), connect([], { env })]);
  }, { timeout: 15_000 });
  after(async () => {
    await Promise.all([sandbox?.close(), server?.close()]);
    api?.close();
  });

  // wait calls a tool with wait, which has to become a task, and returns what came of that.
  async function wait(to, name, args) {
    const execution = await to.session.callTool(name, { wait: true, ...args });
    assert.equal(execution.kind, "task");
    const tasks = [];
    const { outcome } = await execution.settle({ onEvent: (event) => event.task && tasks.push(event.task) });
    return { id: execution.handle.taskId, tasks, outcome, result: resultFromTaskOutcome(outcome) };
  }

  // same asserts that a task brought what a call without tasks brings.
  function same(task, inline) {
    assert.deepEqual(task.structuredContent, inline.structuredContent);
    assert.deepEqual(task.content, inline.content);
    assert.equal(task.isError ?? false, inline.isError ?? false);
  }

  const demo = (run_id, more) => ({ thread_id: "thread_demo", run_id, ...more });
  const slow = (run_id, more) => ({ thread_id: "thread_1", run_id, ...more });

  test("tasks: the server offers the extension", () => {
    assert.deepEqual(sandbox.client.getServerCapabilities().extensions[extension], {});
  });

  test("tasks: a wait of get_run is a task with the result of the call", async () => {
    const { id, tasks, result } = await wait(sandbox, "get_run", demo("run_queued"));
    assert.match(id, /^get_run:thread_demo:run_queued:/);
    assert.equal(result.structuredContent.status, "completed");
    same(result, await sandbox.call("get_run", demo("run_queued", { wait: true })));
    assert.match(tasks[0].statusMessage, /^queued for \d+ (s|min)$/);
    assert.ok(tasks.every((t) => t.retentionMs === null), "a wait without timeout_sec has no end");
  });

  test("tasks: a wait of cancel_run is a task with the result of the call", async () => {
    const { id, result } = await wait(sandbox, "cancel_run", demo("run_in_progress"));
    assert.match(id, /^cancel_run:thread_demo:run_in_progress:/);
    assert.equal(result.structuredContent.status, "cancelled");
    same(result, await sandbox.call("cancel_run", demo("run_in_progress", { wait: true })));
  });

  test("tasks: a run that has ended is answered at once", async () => {
    for (const run_id of ["run_failed", "run_requires_action"]) {
      const execution = await sandbox.session.callTool("get_run", demo(run_id, { wait: true }));
      assert.equal(execution.kind, "immediate");
      same(resultFromTaskOutcome(await execution.result()), await sandbox.call("get_run", demo(run_id)));
    }
  });

  test("tasks: requires_action ends the task of get_run", async () => {
    const { result } = await wait(server, "get_run", slow("run_1_requires_action_a"));
    assert.equal(result.structuredContent.required_action.type, "submit_tool_outputs");
  });

  test("tasks: fields and steps hold for the result", async () => {
    const args = slow("run_1_completed_a", { fields: ["usage"], steps: 2 });
    const { result } = await wait(server, "get_run", args);
    assert.deepEqual(Object.keys(result.structuredContent), ["id", "status", "usage", "steps"]);
    same(result, await server.call("get_run", args));
  });

  test("tasks: a tool error completes the task", async () => {
    const { outcome, result } = await wait(server, "get_run", slow("run_1_gone_a"));
    assert.equal(outcome.status, "completed");
    assert.match(result.content[0].text, /No run found with id 'run_1_gone_a'/);
    same(result, await server.call("get_run", slow("run_1_gone_a")));
  });

  test("tasks: timeout_sec ends the task with the run as it is", async () => {
    const { tasks, result } = await wait(server, "get_run", slow("run_60_completed_a", { timeout_sec: 1 }));
    assert.equal(result.structuredContent.status, "in_progress");
    assert.equal(tasks[0].retentionMs, 1000);
  });

  test("tasks: tasks/cancel does not cancel the run", async () => {
    const execution = await server.session.callTool("get_run", slow("run_1_completed_b", { wait: true }));
    await execution.cancel();
    await execution.close();
    const run = await server.call("get_run", slow("run_1_completed_b", { wait: true }));
    assert.equal(run.structuredContent.status, "completed");
    assert.deepEqual(api.requests.filter((r) => r.includes("run_1_completed_b/cancel")), []);
  });

  test("tasks: a task outlives the server that made it", async () => {
    const first = await connect([], { env });
    const execution = await first.session.callTool("get_run", slow("run_2_completed_c", { wait: true }));
    const reference = execution.serializeReference();
    const snapshot = await first.session.task(reference.taskId).snapshot();
    assert.equal(snapshot.status, "working");
    process.kill(first.pid, "SIGKILL");
    await first.close();

    const second = await connect([], { env });
    const resumed = await second.session.resumeTask(reference);
    const { outcome } = await resumed.settle();
    const result = resultFromTaskOutcome(outcome);
    assert.equal(result.structuredContent.status, "completed");
    same(result, await second.call("get_run", slow("run_2_completed_c")));
    assert.equal(outcome.task?.createdAt, snapshot.createdAt);
    await second.close();
  });

  test("tasks: a client that does not declare the extension waits in the call", async () => {
    const result = await server.call("get_run", slow("run_1_completed_d", { wait: true }));
    assert.equal(result.structuredContent.status, "completed");
    for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
      const { error } = await server.raw({ method, params: { taskId: "get_run:thread_1:run_1_completed_d:0", _meta: meta() } });
      assert.equal(error.code, -32021);
      assert.deepEqual(error.data.requiredCapabilities.extensions, { [extension]: {} });
    }
  });

  test("tasks: both eras on one connection", async (t) => {
    const legacy = await connect([], { env, mode: "legacy" });
    t.after(() => legacy.close());
    assert.equal(legacy.client.getServerCapabilities().extensions, undefined);
    const inline = legacy.call("get_run", slow("run_1_completed_e", { wait: true }));
    const params = { name: "get_run", arguments: slow("run_1_completed_e", { wait: true }) };
    const { result: created } = await legacy.raw({ method: "tools/call", params: { ...params, _meta: meta({ [extension]: {} }) } });
    assert.equal(created.resultType, "task");
    assert.equal((await inline).structuredContent.status, "completed");
    const { result: task } = await legacy.raw({ method: "tasks/get", params: { taskId: created.taskId, _meta: meta({ [extension]: {} }) } });
    assert.equal(task.status, "completed");
    same(task.result, await inline);
    const refused = await legacy.raw({ method: "tasks/get", params: { taskId: created.taskId } });
    assert.equal(refused.error.code, -32021);
  });
});
