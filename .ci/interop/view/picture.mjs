// Makes .github/view.png: the page in light and in dark, over the sandbox, with the times of the runs shifted to a
// fixed moment. Usage: RUNS_MCP=path/of/the/binary node picture.mjs
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { launch, show } from "./host.mjs";

const moment = Date.UTC(2026, 0, 15, 9, 30) / 1000;
const [width, scale] = [640, 1.5];
const client = new Client({ name: "picture", version: "1.0.0" });
await client.connect(new StdioClientTransport({ command: process.env.RUNS_MCP, args: ["--sandbox"], stderr: "ignore" }));
const args = { thread_id: "thread_demo" };
const { structuredContent: page } = await client.callTool({ name: "list_runs", arguments: args });
const { contents } = await client.readResource({ uri: "ui://runs-mcp/runs.html" });
await client.close();

// The newest run is a minute old.
const shift = moment - 60 - Math.max(...page.data.map((run) => run.created_at));
for (const run of page.data) for (const name of Object.keys(run)) if (name.endsWith("_at") && run[name]) run[name] += shift;

const browser = await launch();
const pictures = [];
for (const theme of ["light", "dark"]) {
  const view = await show(browser, contents[0].text, {
    callTool: () => new Promise(() => {}), context: { theme, locale: "en-US", timeZone: "UTC" },
    now: moment * 1000, viewport: { width, height: 900 }, deviceScaleFactor: scale,
  });
  await view.bridge.sendToolInput({ arguments: args });
  await view.bridge.sendToolResult({ content: [], structuredContent: page });
  await view.frame.locator("#runs > [data-id]").nth(8).waitFor();
  const height = await view.frame.evaluate(() => document.documentElement.offsetHeight);
  await view.page.waitForFunction((h) => frame.offsetHeight === h, height); // the host has made room
  await view.frame.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  pictures.push((await view.page.screenshot({ clip: { x: 0, y: 0, width, height } })).toString("base64"));
  await view.close();
}
const sheet = await browser.newPage({ viewport: { width: 2 * width, height: 100 }, deviceScaleFactor: scale });
await sheet.setContent(`<!doctype html><body style="margin: 0; display: flex; width: max-content">` +
  pictures.map((picture) => `<img width="${width}" src="data:image/png;base64,${picture}">`).join(""));
await sheet.locator("body").screenshot({ path: fileURLToPath(new URL("../../../.github/view.png", import.meta.url)) });
await browser.close();
