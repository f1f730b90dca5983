// Codex, Copilot CLI and Gemini CLI, configured by what README says, each with a model that is scripted here: no account,
// nothing beyond loopback. What the model is told of a result shows which copy of it the host hands on.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { promisify } from "node:util";
import { binary } from "../client.mjs";
import { exact, serve as serveRuns } from "../runsapi.mjs";
import { serve as serveModel } from "./model.mjs";

const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8");
const bin = fileURLToPath(new URL("node_modules/.bin", import.meta.url));
const key = "sk-interop"; // the Runs API refuses any other

// fromReadme returns what a pattern finds in README, with the binary, the base URL and the key for what stands there.
function fromReadme(pattern, base, key) {
  const found = pattern.exec(readme);
  assert.ok(found, `README has nothing like ${pattern}`);
  return found[1].replaceAll("/path/to/runs-mcp", binary).replaceAll("https://gateway.example/v1", base).replaceAll("…", key);
}

const calls = [
  ["get_run", { thread_id: "thread_1", run_id: "run_7", fields: ["seed", "temperature"] }],
  ["list_runs", { thread_id: "thread_1", limit: 2, fields: ["status"] }],
  ["get_run", { thread_id: "thread_1", run_id: "run_none" }],
];
// The texts of the results. A host that reads structured content, and writes it anew, has other numbers in the run.
const run = `{"id":"run_7","status":"completed",${exact}}`;
const list = '{"object":"list","data":[{"id":"run_1","status":"completed"},{"id":"run_2","status":"completed"}],"first_id":"run_1","last_id":"run_2","has_more":true}';
const error = /HTTP 404: No run found with id 'run_none'/;

// codex makes a host of the name of a model, or of none for Codex's own choice.
const codex = (model, more, flags = "") => ({
  program: "codex",
  configure: ({ base, shell }) => shell(fromReadme(/^ {4}(codex mcp add .*)$/m, base, key) + flags),
  ask: ({ url, shell }) => shell('codex exec --skip-git-repo-check -c model_provider=scripted -c "$0" "$@" "Get the run."',
    `model_providers.scripted={name="scripted",base_url="${url}/v1",wire_api="responses"}`, ...model),
  ...more,
});

// shows makes of the text of a result what the model is told, after the time that the call took. The code that a current
// model of Codex writes could print a part of the result; here it prints all.
const hosts = {
  "Codex shows an older model the text": codex(["-m", "older"], { shows: (text) => text }),
  "Codex hands a current model's code both copies": codex([], {
    shows: (text) => JSON.stringify({ content: [{ type: "text", text }], structuredContent: JSON.parse(text) }),
  }),
  "Codex hands a current model's code one copy, with --results text": codex([], {
    shows: (text) => JSON.stringify({ content: [{ type: "text", text: text.replace("[", "[\n").replace("},{", "},\n{").replace("]", "\n]") }] }), // a run a line
  }, " --results text"),
  "Copilot CLI shows the text": {
    program: "copilot",
    configure: ({ base, shell }) => shell(fromReadme(/^ {4}(copilot mcp add .*)$/m, base, key)),
    env: (url) => ({ COPILOT_OFFLINE: "true", COPILOT_PROVIDER_BASE_URL: `${url}/v1`, COPILOT_MODEL: "scripted" }),
    ask: ({ shell }) => shell('copilot -p "Get the run."'),
    shows: (text) => text,
  },
  "Gemini CLI shows the text": {
    program: "gemini",
    configure: async ({ base, home, work }) => {
      const variable = fromReadme(/Gemini CLI `"(\$\w+)"`/);
      const settings = fromReadme(/^```json\n(\{\n {2}"mcpServers": .*?)^```$/ms, base, variable);
      for (const folder of [home, work]) await mkdir(join(folder, ".gemini"), { recursive: true });
      await writeFile(join(home, ".gemini/settings.json"), settings);
      await writeFile(join(work, ".gemini/settings.json"), '{"security":{"auth":{"selectedType":"gemini-api-key"}}}');
    },
    env: (url) => ({ GOOGLE_GEMINI_BASE_URL: url, GEMINI_API_KEY: "none", GEMINI_CLI_TRUST_WORKSPACE: "true", OPENAI_API_KEY: key }),
    ask: ({ shell }) => shell('gemini --yolo -m gemini-2.5-flash -p "Get the run."'), // it asks even before what only reads
    shows: (text) => `<untrusted_context>\n${text}\n</untrusted_context>`,
  },
};

for (const [name, host] of Object.entries(hosts)) {
  test(name, { timeout: 90_000 }, async (t) => {
    const scratch = await mkdtemp(join(tmpdir(), "runs-mcp-hosts-"));
    const [home, work] = [join(scratch, "home"), join(scratch, "work")];
    for (const folder of [home, work]) await mkdir(folder);
    const api = await serveRuns();
    const model = await serveModel(calls);
    t.after(async () => {
      api.close();
      model.close();
      await rm(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    });
    const env = {
      HOME: home, TMPDIR: scratch, PATH: `${bin}:${process.env.PATH}`,
      HTTPS_PROXY: model.url, NO_PROXY: "127.0.0.1", // the model is no proxy: what a host wants of the internet fails at once
      ...host.env?.(model.url),
    };
    const shell = (command, ...args) => {
      const running = promisify(execFile)("sh", ["-c", command, ...args], { cwd: work, env, timeout: 60_000 });
      running.child.stdin.end();
      return running;
    };
    try {
      await shell(`${host.program} --version`);
    } catch (fault) {
      if (process.env.CI) throw fault; // where nothing may be skipped
      return t.skip(`${host.program} does not run here`);
    }

    const context = { base: api.base, url: model.url, home, work, shell };
    await host.configure(context);
    const { stdout, stderr } = await host.ask(context);
    const results = model.results().map((result) => result.replace(/^(Script completed\n)?Wall time:? .* seconds\nOutput:\n?/, ""));
    assert.equal(results.length, calls.length, stdout + stderr);
    assert.equal(results[0], host.shows(run));
    assert.equal(results[1], host.shows(list));
    assert.match(results[2], error);
    assert.match(stdout, /Done\./);
  });
}
