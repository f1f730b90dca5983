// Claude Code, with a model that is scripted here: no account, nothing beyond loopback. It follows tasks in interactive
// sessions only, so it gets a terminal. Its npm package is too large to be installed for this; to run the test:
//
//	npm install --prefix /tmp/claude @anthropic-ai/claude-code@2.1.331
//	CLAUDE_CODE=/tmp/claude/node_modules/@anthropic-ai/claude-code-linux-x64/claude ../run
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { binary } from "./client.mjs";
import { serve } from "./runsapi.mjs";

const claude = process.env.CLAUDE_CODE;

// model serves the Messages API. The session's model waits for the run when it is asked to, and says "Noted." to all
// else; heard has what it was told, turn by turn.
async function model(run_id) {
  const heard = [];
  const server = http.createServer(async (req, res) => {
    let body = "";
    for await (const chunk of req) body += chunk;
    if (!req.url.startsWith("/v1/messages?") || req.method !== "POST") return res.writeHead(404).end();
    const { messages, tools = [], model, stream } = JSON.parse(body);
    let block = { type: "text", text: "Noted." };
    if (tools.some((tool) => tool.name === "mcp__runs__get_run")) {
      heard.push(JSON.stringify(messages.slice(messages.findLastIndex((m) => m.role === "assistant") + 1)));
      if (heard.length === 1) block = { type: "tool_use", id: "toolu_1", name: "mcp__runs__get_run", input: { thread_id: "thread_1", run_id, wait: true } };
    }
    const stop_reason = block.type === "text" ? "end_turn" : "tool_use";
    const message = { id: `msg_${heard.length}`, type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } };
    if (!stream) return res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ...message, content: [block], stop_reason }));
    res.writeHead(200, { "content-type": "text/event-stream" });
    const send = (type, fields) => res.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
    send("message_start", { message });
    const [begin, delta] = block.type === "text"
      ? [{ ...block, text: "" }, { type: "text_delta", text: block.text }]
      : [{ ...block, input: {} }, { type: "input_json_delta", partial_json: JSON.stringify(block.input) }];
    send("content_block_start", { index: 0, content_block: begin });
    send("content_block_delta", { index: 0, delta });
    send("content_block_stop", { index: 0 });
    send("message_delta", { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 1 } });
    send("message_stop");
    res.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => { server.close(); server.closeAllConnections(); };
  return { url: `http://127.0.0.1:${server.address().port}`, heard, close };
}

// terminal starts Claude Code in a terminal, in a home of its own.
async function terminal(home, url, env) {
  const work = join(home, "work"), pid = join(home, "pid");
  await mkdir(work);
  await writeFile(join(home, ".claude.json"), JSON.stringify({ hasCompletedOnboarding: true, theme: "dark", projects: { [work]: { hasTrustDialogAccepted: true } } }));
  const runs = { command: "/bin/sh", args: ["-c", `echo $$ >'${pid}'; exec "$0"`, binary], env };
  await writeFile(join(home, "mcp.json"), JSON.stringify({ mcpServers: { runs } }));
  const command = [claude, "--mcp-config", join(home, "mcp.json"), "--strict-mcp-config", "--allowedTools", "mcp__runs__get_run"];
  const pty = `import pty, sys; pty.spawn(["/bin/sh", "-c", 'stty rows 50 cols 140; exec "$0" "$@"', *sys.argv[1:]])`;
  const child = spawn("python3", ["-c", pty, ...command], {
    cwd: work,
    env: {
      HOME: home, PATH: process.env.PATH, TERM: "xterm-256color", LANG: "C.UTF-8",
      ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: "none", ENABLE_TOOL_SEARCH: "false",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_TELEMETRY: "1", DISABLE_ERROR_REPORTING: "1", DISABLE_AUTOUPDATER: "1",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (screen += text));
  // enter types a line, and the return key again until what it is for has happened.
  const enter = async (line, happened) => {
    child.stdin.write(line);
    for (let tries = 0; !(await happened()); tries++) {
      assert.ok(tries < 60, `nothing came of ${line}: ${screen.slice(-3000)}`);
      if (tries % 10 === 1) child.stdin.write("\r");
      await sleep(300);
    }
  };
  const until = async (what, happened) => {
    for (let tries = 0; !(await happened()); tries++) {
      assert.ok(tries < 200, `${what}: ${screen.slice(-3000)}`);
      await sleep(200);
    }
  };
  const server = async () => Number(await readFile(pid, "utf8").catch(() => 0));
  return { child, enter, until, server, screen: () => screen };
}

test("Claude Code: a wait goes to the background, and the model is told once, whatever becomes of the server", {
  skip: !claude && "CLAUDE_CODE is not set, the path of Claude Code", timeout: 120_000,
}, async (t) => {
  const home = await mkdtemp(join(tmpdir(), "runs-mcp-claude-"));
  const api = await serve();
  const { url, heard, close } = await model("run_20_completed_a");
  const { child, enter, until, server, screen } = await terminal(home, url, { OPENAI_BASE_URL: api.base, OPENAI_API_KEY: "sk-interop" });
  t.after(async () => {
    const exited = once(child, "exit");
    for (let i = 0; i < 2; i++) {
      child.stdin.write("\x03");
      await sleep(500);
    }
    await Promise.race([exited, sleep(10_000, undefined, { ref: false }).then(() => child.kill())]);
    close();
    api.close();
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  await until("no prompt, or no server", async () => screen().includes("❯") && (await server()) !== 0);
  await sleep(2000); // until the session has its tools
  await enter("Wait for the run.", () => heard.length >= 1);
  await until("no answer to the call", () => heard.length >= 2);
  assert.match(heard[1], /started server-side task get_run:thread_1:run_20_completed_a:.* moved to the background/);

  const first = await server();
  process.kill(first, "SIGKILL");
  await sleep(1000);
  await enter("/mcp reconnect runs", async () => (await server()) !== first);

  await until("no notification", () => heard.length >= 3);
  assert.match(heard[2], /<status>completed<\/status>/);
  assert.match(heard[2], /<result>\\n\{\\"id\\":\\"run_20_completed_a\\",.*\\"status\\":\\"completed\\"/);
  await sleep(3000);
  assert.equal(heard.length, 3, heard[3]);
});
