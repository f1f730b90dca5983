// The page of tools/view in a browser, with the official host side of MCP Apps around it, over the sandbox.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { after, afterEach, before, test } from "node:test";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { executablePath, launch, show } from "./host.mjs";

const skip = executablePath ? false : "Chromium is not installed";
const uri = "ui://runs-mcp/runs.html";
const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
let browser, client, html, view;

async function connect(...args) {
  const connected = new Client({ name: "interop", version: "1.0.0" });
  await connected.connect(new StdioClientTransport({ command: process.env.RUNS_MCP, args: ["--sandbox", ...args], stderr: "ignore" }));
  return connected;
}
const read = async (from) => (await from.readResource({ uri })).contents[0].text;

before(async () => {
  if (skip) return console.log("view: skipped, Chromium is not installed");
  [browser, client] = await Promise.all([launch(), connect()]);
  html = await read(client);
}, { timeout: 60_000 });
afterEach(async () => {
  if (!view) return;
  assert.deepEqual(view.log, [], "what the view loaded, printed or asked");
  await view.close();
  view = null;
});
after(() => Promise.all([browser?.close(), client?.close()]));

// over shows the result of a call to the sandbox, as a host does.
async function over(name, args, options = {}) {
  view = await show(browser, html, { client, ...options });
  await view.bridge.sendToolInput({ arguments: args });
  await view.bridge.sendToolResult(await client.callTool({ name, arguments: args }));
  return view;
}

// given shows an answer that no server gave.
async function given(answer, { args = { thread_id: "thread_1" }, callTool = async () => fine(answer), ...options } = {}) {
  view = await show(browser, html, { callTool, ...options });
  await view.bridge.sendToolInput({ arguments: args });
  await view.bridge.sendToolResult(fine(answer));
  return view;
}
const fine = (answer) => ({ content: [{ type: "text", text: JSON.stringify(answer) }], structuredContent: answer });
const wrong = (text) => ({ content: [{ type: "text", text }], isError: true });
const list = (...data) => ({ object: "list", data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: false });

const rows = () => view.frame.locator("#runs > [data-id]");
const row = (id) => view.frame.locator(`#runs > [data-id="${id}"]`);
const button = (name) => view.frame.getByRole("button", { name, exact: true });
const shows = (text) => view.frame.getByText(text).first().waitFor();

// until waits for something that takes its time, such as a refresh.
async function until(what, condition, ms = 8000) {
  for (const end = Date.now() + ms; !(await condition()); await sleep(50)) assert.ok(Date.now() < end, `never: ${what}`);
}

test("view: the tools name a resource that the server lists and serves", { skip }, async () => {
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map((tool) => tool._meta.ui.resourceUri), [uri, uri, uri]);
  const { resources } = await client.listResources();
  assert.deepEqual(resources.map((resource) => [resource.uri, resource.mimeType]), [[uri, "text/html;profile=mcp-app"]]);
  const { mimeType, _meta } = (await client.readResource({ uri })).contents[0];
  assert.deepEqual([mimeType, _meta], ["text/html;profile=mcp-app", { ui: { csp: {}, prefersBorder: true } }]);
});

test("view: nine runs, one in each status, newest on top", { skip }, async () => {
  await over("list_runs", { thread_id: "thread_demo" });
  await shows("thread_demo");
  assert.deepEqual(await view.frame.locator("#runs .status").allInnerTexts(), [
    "Queued", "In progress", "Requires action", "Cancelling", "Cancelled", "Incomplete", "Failed", "Expired", "Completed"]);
  assert.match(await row("run_failed").innerText(), /rate_limit_exceeded: Rate limit reached/);
  assert.match(await row("run_requires_action").innerText(), /waits for get_order/);
  assert.match(await row("run_completed").innerText(), /9 s/);
  assert.equal(await row("run_completed").getByRole("img").getAttribute("aria-label"), "queued 1 s, ran 8 s");
  assert.equal(await view.frame.getByRole("button", { name: /^Cancel run/ }).count(), 3, "queued, in_progress and requires_action");
});

test("view: bars lie on the axis in the order of time", { skip }, async () => {
  await over("list_runs", { thread_id: "thread_demo" });
  const boxes = await view.frame.locator("#runs .track").evaluateAll((tracks) => tracks.map((track) => {
    const [outer, bars] = [track.getBoundingClientRect(), [...track.children].filter((bar) => !bar.hidden).map((bar) => bar.getBoundingClientRect())];
    return { left: bars[0].left - outer.left, right: outer.right - Math.max(...bars.map((bar) => bar.right)), thin: Math.min(...bars.map((bar) => bar.width)) };
  }));
  for (const [i, { left, right, thin }] of boxes.entries()) {
    assert.ok(left >= -0.5 && right >= -0.5 && thin >= 3, `bar ${i}: ${left} ${right} ${thin}`);
    if (i > 0) assert.ok(left <= boxes[i - 1].left, `bar ${i} begins before the one above it`);
  }
  for (const active of boxes.slice(0, 4)) assert.ok(active.right < 0.5, "an active run goes on until now");
});

test("view: 250 runs, in pages, and more while there are more", { skip }, async () => {
  await over("list_runs", { thread_id: "thread_long", order: "desc" });
  await shows("20 so far");
  await button("More runs").click();
  await until("a second page", async () => await rows().count() === 40);
  assert.equal(await rows().last().getAttribute("data-id"), "run_long_211");
  await view.close();
  await over("list_runs", { thread_id: "thread_long", all: true });
  await shows("250 in all");
  assert.equal(await rows().count(), 50, "not all at once");
  await button("More runs").click();
  await until("the next ones", async () => await rows().count() === 100);
});

test("view: one run, live from queued to completed, with its steps on demand", { skip }, async () => {
  const own = await connect();
  try {
    view = await show(browser, html, { client: own });
    const args = { thread_id: "thread_demo", run_id: "run_queued" };
    await view.bridge.sendToolInput({ arguments: args });
    await view.bridge.sendToolResult(await own.callTool({ name: "get_run", arguments: args }));
    await shows("Queued");
    for (const status of ["In progress", "Completed"]) await until(status, async () => await row("run_queued").locator(".status").innerText() === status, 15_000);
    assert.equal(await view.frame.locator("#news").textContent(), "Run run_queued: Completed");
    assert.match(await row("run_queued").innerText(), /413 tokens in, 87 out/);
    const { length } = view.calls;
    await sleep(2500);
    assert.equal(view.calls.length, length, "nothing is asked once the run has ended");
    await button("Show steps").click();
    await until("steps", async () => /Step/.test(await view.frame.locator("dl").innerText()));
    await view.frame.getByText("JSON").click();
    assert.equal(JSON.parse(await view.frame.locator("pre").innerText()).status, "completed");
  } finally {
    await own.close();
  }
});

test("view: a run that the call waits for can be watched meanwhile", { skip }, async () => {
  view = await show(browser, html, { client });
  await view.bridge.sendToolInput({ arguments: { thread_id: "thread_demo", run_id: "run_in_progress", wait: true } });
  await shows("In progress");
  assert.deepEqual(view.calls[0], { name: "get_run", arguments: { thread_id: "thread_demo", run_id: "run_in_progress" } });
});

test("view: a cancel is asked, declined, done, and told to the model", { skip }, async () => {
  await over("list_runs", { thread_id: "thread_demo" });
  await button("Cancel run run_in_progress").click();
  await view.frame.getByRole("group", { name: "Cancel run run_in_progress?" }).waitFor();
  assert.equal(await view.frame.evaluate(() => document.activeElement.textContent), "Keep it");
  await button("Keep it").click();
  assert.equal(await view.frame.evaluate(() => document.activeElement.ariaLabel), "Cancel run run_in_progress");
  assert.deepEqual(view.calls, [], "nothing is asked of the server");
  await button("Cancel run run_in_progress").press("Enter");
  await button("Cancel run").press("Enter");
  await until("cancelled", async () => await row("run_in_progress").locator(".status").innerText() === "Cancelled");
  assert.deepEqual(view.calls.find(({ name }) => name === "cancel_run").arguments, { thread_id: "thread_demo", run_id: "run_in_progress", wait: true });
  await until("the model is told", () => view.told.length > 0);
  assert.deepEqual(view.told, ["In the page of runs, the user asked to cancel run run_in_progress of thread thread_demo. Its status is cancelled."]);
});

test("view: of two cancels at once both are told, and neither can be asked for again meanwhile", { skip }, async () => {
  const ids = ["run_1", "run_2"];
  const statuses = { run_1: "in_progress", run_2: "queued" };
  const run = (id) => ({ id, status: statuses[id], thread_id: "thread_1" });
  const answers = {};
  await given(list(...ids.map(run)), { callTool: async ({ name, arguments: { run_id: id } }) => {
    if (name !== "cancel_run") return fine(id ? run(id) : list(...ids.map(run)));
    await new Promise((resolve) => { answers[id] = resolve; });
    statuses[id] = "cancelled";
    return fine(run(id));
  } });
  for (const id of ids) {
    await button(`Cancel run ${id}`).click();
    await button("Cancel run").click();
    await until("asked", () => answers[id]);
    assert.equal(await view.frame.evaluate(() => document.activeElement.textContent), id, "the focus stays in the row");
  }
  for (const id of ids) {
    assert.ok(await button(`Cancel run ${id}`).isDisabled(), id);
    assert.ok(await row(id).locator("[name=ask]").evaluate((ask) => getComputedStyle(ask).opacity < 1), `${id} looks disabled`);
  }
  answers.run_1();
  await until("cancelled", async () => await row("run_1").locator(".status").innerText() === "Cancelled");
  assert.ok(await button("Cancel run run_2").isDisabled());
  answers.run_2();
  const sentence = (id) => `In the page of runs, the user asked to cancel run ${id} of thread thread_1. Its status is cancelled.`;
  await until("both are told", () => view.told[0] === ids.map(sentence).join("\n"));
});

test("view: the question of a cancel goes once the run has ended, and the focus stays in the row", { skip }, async () => {
  let run = { id: "run_1", status: "in_progress", thread_id: "thread_1" };
  const other = { id: "run_2", status: "queued" };
  await given(list(other, run), { callTool: async () => fine(list(other, run)) });
  await button("Cancel run run_1").press("Enter");
  run = { ...run, status: "completed" };
  await until("completed", async () => await row("run_1").locator(".status").innerText() === "Completed");
  assert.ok(await row("run_1").locator(".question").isHidden());
  assert.equal(await view.frame.evaluate(() => document.activeElement.textContent), "run_1");
});

test("view: a refused cancel is a line, and the button stays unless there is no such tool", { skip }, async () => {
  const active = list({ id: "run_1", status: "in_progress", thread_id: "thread_1" });
  let refusal = async () => wrong("run run_1 was not cancelled: the server says no");
  await given(active, { callTool: (params) => (params.name === "cancel_run" ? refusal() : fine(active)) });
  const cancel = async () => {
    await button("Cancel run run_1").click();
    await button("Cancel run").click();
  };
  await cancel();
  await shows("Not cancelled: run run_1 was not cancelled: the server says no");
  assert.ok(await button("Cancel run run_1").isEnabled());
  refusal = () => { throw Object.assign(new Error("there is no tool"), { code: -32602 }); };
  await cancel();
  await until("no button", async () => await button("Cancel run run_1").count() === 0);
});

test("view: a read-only server's page has no Cancel", { skip }, async () => {
  const own = await connect("--read-only");
  try {
    view = await show(browser, await read(own), { client: own });
    const args = { thread_id: "thread_demo" };
    await view.bridge.sendToolInput({ arguments: args });
    await view.bridge.sendToolResult(await own.callTool({ name: "list_runs", arguments: args }));
    await shows("In progress");
    assert.equal(await view.frame.getByRole("button", { name: /Cancel/ }).count(), 0);
  } finally {
    await own.close();
  }
});

test("view: a host that calls no tools gets a still picture", { skip }, async () => {
  await over("list_runs", { thread_id: "thread_long" }, { capabilities: {} });
  await shows("20 so far");
  assert.equal(await view.frame.locator("button:enabled:visible").count(), 0);
  await sleep(2500);
  assert.deepEqual(view.calls, []);
});

test("view: fields that the answer lacks are asked for", { skip }, async () => {
  await over("list_runs", { thread_id: "thread_demo", fields: ["id"] });
  await shows("rate_limit_exceeded");
  assert.deepEqual(view.calls[0].arguments, { thread_id: "thread_demo", fields: [] });
  await view.close();
  await over("list_runs", { thread_id: "thread_demo", all: true, fields: ["id"] });
  await shows("rate_limit_exceeded");
  await sleep(2500);
  assert.equal(view.calls.filter(({ name }) => name === "list_runs").length, 1, "a long list is not read again and again");
});

test("view: an answer as text alone is enough, and one that is none is said to be none", { skip }, async () => {
  await given(list({ id: "run_1", status: "completed" }));
  const { structuredContent, ...text } = fine(list({ id: "run_2", status: "expired" }));
  await view.bridge.sendToolResult(text);
  await shows("run_2");
  await view.bridge.sendToolResult(fine({ success: true }));
  await shows("Not read: the answer is no run");
  assert.equal(await rows().count(), 2);
});

test("view: steps that the server refuses are a line, and are not asked for again", { skip }, async () => {
  const run = { id: "run_1", status: "in_progress", thread_id: "thread_1" };
  await given(run, { callTool: async (params) => (params.arguments.steps ? wrong("unknown argument steps") : fine(run)) });
  await button("Show steps").click();
  await shows("No steps: unknown argument steps");
  const { length } = view.calls;
  await until("a refresh", () => view.calls.length > length);
  assert.equal(view.calls.at(-1).arguments.steps, undefined);
  assert.ok(await button("Show steps").isVisible());
});

test("view: a failed refresh is a line under the last picture, and goes with the next", { skip }, async () => {
  let fails = true;
  const active = list({ id: "run_1", status: "queued", created_at: Date.now() / 1000 - 60 });
  await given(active, { callTool: async () => (fails ? wrong("HTTP 500: out of order") : fine(active)) });
  await shows("Not read: HTTP 500: out of order");
  assert.equal(await row("run_1").count(), 1);
  fails = false;
  await until("the line goes", async () => await view.frame.locator("#problem").textContent() === "");
});

test("view: an error goes with the next refresh, whatever it was that failed", { skip }, async () => {
  let fails = true;
  const run = { id: "run_1", status: "in_progress", thread_id: "thread_1" };
  await given(list(run), { callTool: async ({ name }) => (name === "list_runs" ? fine(list(run)) : fails ? wrong("HTTP 500: out of order") : fine(run)) });
  await button("run_1").click();
  await shows("HTTP 500: out of order");
  fails = false;
  await until("the line goes", async () => await view.frame.locator("#problem").textContent() === "");
});

test("view: a run that cannot be read stops no other's refresh", { skip }, async () => {
  let status = "in_progress";
  const run = (id) => ({ id, status, thread_id: "thread_1" });
  await given(list(run("run_gone"), run("run_2"), run("run_lost")), { args: { thread_id: "thread_1", all: true },
    callTool: async ({ arguments: { run_id: id } }) => (id === "run_2" ? fine({ ...run(id), steps: [] }) : wrong(`no ${id}`)) });
  status = "completed";
  await until("completed", async () => await row("run_2").locator(".status").innerText() === "Completed");
  await shows(/^Not read: no run_(gone|lost)$/);
  await button("run_2").click();
  await button("Show steps").click();
  await shows("none");
  assert.equal(await view.frame.locator("#problem").textContent(), "", "another run's steps are no matter of run_gone");
});

test("view: of many runs, those that newer ones push out leave the page", { skip }, async () => {
  const run = (i) => ({ id: `run_${i}`, status: i < 50 ? "completed" : "queued", created_at: 1_700_000_000 + i });
  const runs = [...Array(51).keys()].map(run);
  await given(list(...runs), { callTool: async () => fine(list(...runs)) });
  await until("50 rows", async () => await rows().count() === 50);
  runs.push(run(51));
  await until("the new one", async () => await row("run_51").count() === 1);
  assert.equal(await rows().count(), 50);
  assert.equal(await row("run_1").count(), 0);
});

test("view: a button that goes leaves the focus near", { skip }, async () => {
  const focused = () => view.frame.evaluate(() => document.activeElement.textContent);
  const run = { id: "run_1", status: "completed", thread_id: "thread_1" };
  await given(run);
  await button("Show steps").press("Enter");
  await until("no button", async () => await button("Show steps").isHidden());
  assert.equal(await focused(), "run_1");
  await view.close();
  await over("list_runs", { thread_id: "thread_long", order: "desc", limit: 100, after: "run_long_120" });
  await shows("100 so far");
  await button("More runs").press("Enter");
  await until("all that is known", async () => await rows().count() === 100);
  assert.equal(await focused(), "More runs");
  await button("More runs").press("Enter");
  await until("the last ones", async () => await button("More runs").isHidden());
  const next = await rows().nth(100).getAttribute("data-id");
  assert.equal(await focused(), next);
});

test("view: steps are not said to be none before the answer", { skip }, async () => {
  const run = { id: "run_1", status: "completed", thread_id: "thread_1" };
  let answer;
  await given(run, { callTool: async (params) => {
    if (params.arguments.steps) await new Promise((resolve) => { answer = resolve; });
    return fine({ ...run, ...(params.arguments.steps && { steps: null }) });
  } });
  await button("Show steps").click();
  await until("asked", () => answer);
  assert.match(await view.frame.locator("dl").innerText(), /Steps\s+…/);
  answer();
  await until("none", async () => /Steps\s+none/.test(await view.frame.locator("dl").innerText()));
});

test("view: what is known of a list is not said to be all", { skip }, async () => {
  const count = () => view.frame.locator("#count").textContent();
  for (const [page, cursor, text] of [
    [{}, {}, "1 in all"], [{}, { after: "run_0" }, "1"], [{}, { before: "run_9" }, "1"],
    [{ has_more: true }, { after: "run_0" }, "1 so far"], [{ has_more: "true" }, {}, "1 so far"], [{ has_more: "false" }, {}, "1 in all"],
  ]) {
    await given({ ...list({ id: "run_1", status: "completed" }), ...page }, { args: { thread_id: "thread_1", ...cursor } });
    await shows("run_1");
    assert.equal(await count(), text);
    assert.equal(await button("More runs").isVisible(), text === "1 so far");
    await view.close();
  }
});

test("view: forced colours leave the bars and marks of the statuses", { skip }, async () => {
  await over("list_runs", { thread_id: "thread_demo" }, { forcedColors: "active" });
  await shows("Completed");
  const colours = await row("run_completed").evaluate((item) => {
    const ground = getComputedStyle(document.documentElement).backgroundColor;
    const [mark, bar] = [getComputedStyle(item.querySelector(".status"), "::before"), getComputedStyle(item.querySelector(".run"))];
    return [mark, bar].map((style) => [style.forcedColorAdjust, style.backgroundColor !== ground]);
  });
  assert.deepEqual(colours, [["none", true], ["none", true]]);
});

test("view: an error, and a call that was cancelled, are said", { skip }, async () => {
  view = await show(browser, html, { client });
  await view.bridge.sendToolInput({ arguments: { thread_id: "thread_demo", run_id: "run_none" } });
  await view.bridge.sendToolResult(await client.callTool({ name: "get_run", arguments: { thread_id: "thread_demo", run_id: "run_none" } }));
  await shows(/No run found with id 'run_none'/);
  await view.close();
  view = await show(browser, html, { client });
  await view.bridge.sendToolCancelled({ reason: "by the user" });
  await shows("Not read: cancelled");
});

test("view: the host's theme, colours, locale and zone are followed, also when they change", { skip }, async () => {
  const dated = list({ id: "run_1", status: "completed", created_at: 1_700_000_000, started_at: 1_700_000_001, completed_at: 1_700_000_009, usage: { prompt_tokens: 12345 } });
  await given(dated, { context: { theme: "dark", locale: "de-DE", timeZone: "Asia/Tokyo" } });
  const look = () => view.frame.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const title = () => row("run_1").locator("time").getAttribute("title");
  await shows("12.345 tokens in");
  assert.match(await title(), /15\.11\.2023, 07:13:20/);
  assert.equal(await look(), "rgb(31, 31, 30)");
  await view.bridge.setHostContext({ theme: "light", locale: "de-DE", timeZone: "Asia/Tokyo" });
  await until("light", async () => await look() === "rgb(255, 255, 255)");
  await view.bridge.setHostContext({ theme: "light", locale: "en-US", timeZone: "America/New_York", styles: { variables: { "--color-background-primary": "rgb(1, 2, 3)" } } });
  await until("the host's colour", async () => await look() === "rgb(1, 2, 3)");
  assert.match(await title(), /Nov 14, 2023, 5:13:20/);
  await view.bridge.setHostContext({ theme: "light", locale: "no such locale", timeZone: "Nowhere/Else" });
  await until("still there", async () => await row("run_1").count() === 1);
});

test("view: times in milliseconds, missing fields, nulls and odd types are shown as well as they can be", { skip }, async () => {
  const names = ["created_at", "started_at", "completed_at", "model", "usage", "last_error", "incomplete_details", "required_action", "metadata"];
  const all = (value) => Object.fromEntries(names.map((name) => [name, value]));
  await given(list(
    { id: "run_ms", status: "completed", created_at: Date.now() - 9000, started_at: Date.now() - 8000, completed_at: Date.now() - 3000 },
    { id: "run_iso", status: "completed", created_at: "2025-11-20T10:00:00Z", started_at: "2025-11-20T10:00:01Z", completed_at: "2025-11-20T10:00:05Z" },
    { id: "run_stateless", created_at: 1_700_000_000 }, { id: "run_bare", status: "completed" }, { id: "run_new", status: "generating" }, { id: "run_nulls", status: "failed", ...all(null) },
    { id: "run_text", status: "failed", ...all("odd") }, { id: "run_array", status: "", ...all([1]) }, { id: "run_true", status: "expired", ...all(true) },
    { id: "run_objects", status: "failed", ...all({ a: { b: 1 } }), steps: [null, 1, { status: "x", step_details: { tool_calls: 7 } }] }, {}, { id: 7, status: "queued" }));
  await shows("run_objects");
  assert.equal(await rows().count(), 10);
  assert.match(await row("run_ms").innerText(), /6 s/);
  assert.match(await row("run_iso").innerText(), /5 s/);
  assert.match(await row("run_iso").locator("time").getAttribute("title"), /2025/);
  assert.equal(await button("Cancel run run_stateless").count(), 0);
  assert.equal(await row("run_stateless").getAttribute("class"), "");
  assert.match(await row("run_new").innerText(), /Generating/);
  for (const id of ["run_text", "run_array", "run_true", "run_objects"]) {
    await row(id).getByRole("button", { name: id, exact: true }).click();
    await row(id).getByText("JSON").waitFor();
  }
  await button("Show steps").click();
  await until("steps", async () => /Step/.test(await row("run_objects").innerText()));
});

test("view: whatever is in a run's strings is text, and stays in its place", { skip }, async () => {
  const evil = `"><img src=x onerror="alert(1)"><svg onload=alert(2)><script>alert(3)</script></template></style><style>*{display:none}</style><base href=//evil.invalid><a href="javascript:alert(4)">\${alert(5)}{{7*7}}\u202e\u2066${"\u0489".repeat(400)}`;
  const spoil = (value) => typeof value === "string" ? value + evil : Array.isArray(value) ? value.map(spoil) :
    value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, spoil(v)])) : value;
  const { structuredContent: page } = await client.callTool({ name: "list_runs", arguments: { thread_id: "thread_demo", fields: ["*"] } });
  const spoilt = list(...page.data.map((run) => ({ ...spoil(run), status: run.status, metadata: { [evil]: evil } })), { id: "__proto__", status: evil }, { id: "news", status: "constructor" });
  const answer = (params) => fine(params.name === "list_runs" ? spoilt : spoilt.data.find((run) => run.id === params.arguments.run_id) ?? wrong("none"));
  await given(spoilt, { args: { thread_id: evil }, callTool: async (params) => answer(params), viewport: { width: 320, height: 900 } });
  const before = await view.frame.evaluate(() => [document.querySelectorAll("script, style, template, base, img, svg, a, iframe").length, document.querySelectorAll("main > *").length]);
  assert.deepEqual(before, [3, 5]);
  const failed = spoilt.data.find((run) => run.status === "failed").id;
  await view.frame.locator("[name=open]").filter({ hasText: failed.slice(0, 10) }).first().click();
  await view.frame.locator("dd").filter({ hasText: "alert(3)" }).first().waitFor();
  await view.frame.locator("[name=ask]:visible").first().click();
  await button("Keep it").waitFor();
  assert.deepEqual(await view.frame.evaluate(() => [document.querySelectorAll("script, style, template, base, img, svg, a, iframe").length, document.querySelectorAll("main > *").length]), before);
  assert.ok(await view.frame.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out");
  assert.ok(await view.frame.locator("body").innerText().then((text) => text.includes("<script>alert(3)</script>")), "it is shown as it is");
});

test("view: nothing sticks out from 320 pixels to full screen", { skip }, async () => {
  const long = "x".repeat(300);
  await given(list({ id: `run_${long}`, status: `odd_${long}`, model: long, created_at: 1_700_000_000, last_error: { code: long, message: "word ".repeat(400) }, metadata: { [long]: long } }));
  await view.frame.locator("[name=open]").click();
  for (const width of [320, 560, 720, 1400]) {
    await view.page.setViewportSize({ width, height: 900 });
    assert.ok(await view.frame.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `at ${width}`);
  }
});

test("view: a refresh moves neither the focus nor what is unfolded", { skip }, async () => {
  await over("list_runs", { thread_id: "thread_demo" });
  await row("run_failed").getByRole("button", { name: "run_failed" }).click();
  await row("run_failed").getByText("JSON").click();
  await row("run_expired").getByRole("button", { name: "run_expired" }).focus();
  const { length } = view.calls;
  await until("a refresh", () => view.calls.length > length + 1);
  assert.equal(await view.frame.evaluate(() => document.activeElement.closest("li").dataset.id), "run_expired");
  assert.ok(await row("run_failed").locator("pre").isVisible());
});

test("view: a teardown is answered and ends everything", { skip }, async () => {
  await over("list_runs", { thread_id: "thread_demo" });
  await shows("Requires action");
  await view.bridge.teardownResource({});
  const { length } = view.calls;
  await sleep(2500);
  assert.equal(view.calls.length, length);
});

for (const theme of ["light", "dark"]) {
  test(`view: axe-core finds nothing, ${theme}`, { skip }, async () => {
    await over("list_runs", { thread_id: "thread_demo" }, { context: { theme }, bypassCSP: true });
    await row("run_failed").getByRole("button", { name: "run_failed" }).click();
    await row("run_failed").locator("dd").first().waitFor();
    await view.frame.locator("[name=ask]:visible").first().click();
    await view.frame.evaluate(axe);
    const { violations } = await view.frame.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html: node }) => node)]), []);
  });
}
