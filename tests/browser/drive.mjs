// Drives one real browser for the tests: a JSON command per line on stdin, a JSON answer per line on stdout.
//
//     node drive.mjs chromium|firefox PROGRAM PROFILE
//
// Whom the browser believes is decided by its profile alone. Nothing here relaxes a check of a certificate.
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const [kind, executablePath, userDataDir] = process.argv.slice(2);
const patience = 30_000;

// Chromium's sandbox does not start as root. The rest keeps it from calling home in the middle of a test.
const chromium = [
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--disable-dev-shm-usage", ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
];
const firefox = {
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "",
  "app.update.enabled": false,
};

const browser = await puppeteer.launch({
  browser: kind === "firefox" ? "firefox" : "chrome",
  executablePath,
  userDataDir,
  headless: true,
  acceptInsecureCerts: false,
  args: kind === "firefox" ? [] : chromium,
  extraPrefsFirefox: firefox,
  timeout: 60_000,
});
const page = await browser.newPage();
const problems = [];
page.on("pageerror", (error) => problems.push(String(error)));
page.on("console", (message) => message.type() === "error" && problems.push(message.text()));

const commands = {
  // Loads a page; fails with the browser's own words when it refuses.
  async open({ url }) {
    const answer = await page.goto(url, { waitUntil: "load", timeout: patience });
    return { status: answer?.status(), title: await page.title(), url: page.url() };
  },
  // The same in a tab of its own: where one page was refused after another, a browser may still be busy with the first refusal.
  async visit({ url }) {
    const tab = await browser.newPage();
    try {
      return { status: (await tab.goto(url, { waitUntil: "load", timeout: patience }))?.status() };
    } finally {
      await tab.close();
    }
  },
  // The value of an expression in the page.
  evaluate: ({ script }) => page.evaluate(script),
  // Waits until an expression holds.
  async until({ script }) {
    const deadline = Date.now() + patience;
    for (;;) {
      const value = await page.evaluate(script);
      if (value) return value;
      if (Date.now() > deadline) throw new Error(`never true: ${script}\n${await page.evaluate("document.body.innerText")}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },
  // Types text into a field, as a person would; "\n" is the Enter key.
  type: ({ selector, text }) => page.type(selector, text),
  click: ({ selector }) => page.click(selector),
  // The same at whatever has the focus.
  write: ({ text }) => page.keyboard.type(text),
  press: ({ key }) => page.keyboard.press(key),
  reload: async () => void (await page.reload({ waitUntil: "load" })),
  prefer: ({ scheme }) => page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]),
  // What the page complained about: script errors, blocked resources.
  problems: () => problems.splice(0),
  version: () => browser.version(),
};

console.log(JSON.stringify({ value: "ready" }));
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  const answer = await Promise.resolve()
    .then(() => commands[command](rest))
    .then((value) => ({ value: value ?? null }), (error) => ({ error: String(error.message ?? error) }));
  console.log(JSON.stringify(answer));
}
await browser.close();
