// A host of MCP Apps: the official app-bridge, which runs in this process, around the page in a headless Chromium.
// The browser's router makes up both the page of the host and the origin of the view: no port is opened.
import { existsSync } from "node:fs";
import { AppBridge } from "@modelcontextprotocol/ext-apps/app-bridge";
import { chromium } from "playwright-core";

export const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
export const launch = () => chromium.launch({ executablePath, args: ["--no-sandbox"] });

// What the specification requires for a view that declares no origins.
const policy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "media-src 'self' data:; connect-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'self'";

const hostPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Host</title>
<style>body { margin: 0 } iframe { display: block; width: 100%; height: 100px; border: 0 }</style>
<iframe title="View" sandbox="allow-scripts allow-same-origin" src="http://view.invalid/"></iframe>
<script>
const frame = document.querySelector("iframe");
addEventListener("message", (event) => event.source === frame.contentWindow && toHost(event.data));
</script>`;

// show opens the view html in browser, and resolves once it is initialized. With client, the view's calls go to its
// server; else to callTool. With now, the clock stands still. What the view asked for is in calls, what the model was told last in told, and in log is
// whatever it loaded, printed or asked the user, which is nothing if all is well.
export async function show(browser, html, { client = null, callTool, capabilities = { serverTools: {}, updateModelContext: { text: {} } }, context = {}, now, ...options } = {}) {
  const browserContext = await browser.newContext({ viewport: { width: 720, height: 900 }, ...options });
  if (now) await browserContext.clock.setFixedTime(now);
  const page = await browserContext.newPage();
  page.setDefaultTimeout(10_000);
  const log = [], calls = [], told = [];
  page.on("console", (message) => log.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => log.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => dialog.dismiss(log.push(`dialog: ${dialog.message()}`)));
  await page.route("**", (route) => {
    const url = route.request().url();
    if (url === "http://host.invalid/") return route.fulfill({ contentType: "text/html", body: hostPage });
    if (url === "http://view.invalid/") return route.fulfill({ contentType: "text/html", body: html, headers: { "content-security-policy": policy } });
    if (!url.endsWith("/favicon.ico")) log.push(`request: ${url}`);
    return route.abort();
  });

  const bridge = new AppBridge(client, { name: "interop", version: "1.0.0" }, capabilities, { hostContext: context });
  const transport = {
    start: async () => {},
    send: (message) => page.evaluate((m) => frame.contentWindow.postMessage(m, "*"), message),
    close: async () => {},
  };
  await page.exposeFunction("toHost", (message) => {
    if (message.method === "tools/call") calls.push(message.params);
    transport.onmessage(message);
  });
  bridge.onupdatemodelcontext = async ({ content }) => told.splice(0, told.length, content[0].text) && {}; // each update replaces the one before
  bridge.onsizechange = ({ height }) => page.evaluate((h) => { frame.style.height = `${h}px`; }, height).catch(() => {});
  bridge.onerror = (error) => log.push(`bridge: ${error.message}`);
  const initialized = new Promise((resolve) => { bridge.oninitialized = resolve; });
  await bridge.connect(transport);
  if (callTool) bridge.oncalltool = callTool;
  await page.goto("http://host.invalid/");
  await initialized;
  const frame = page.frames().find((f) => f.url() === "http://view.invalid/");
  return { page, frame, bridge, calls, told, log, close: () => browserContext.close() };
}
