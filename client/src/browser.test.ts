import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startTollgate } from "../../acceptance/server.ts";
import { within } from "../../acceptance/within.ts";

const root = join(import.meta.dirname, "../..");
const chromium = ["chromium", "chromium-browser", "google-chrome"]
  .flatMap((name) => (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)))
  .find((path) => existsSync(path));

/** What the page does; `report` gets what came of it. */
const script = `
import { countdown, describeError, TollgateClient, TollgateError } from "/client/index.js";
const baseUrl = new URLSearchParams(location.search).get("gateway");
const password = "password123";
const account = { email: "page@example.com", name: "Page", password };
const messages = [{ role: "user", content: "Hello from a page" }];
const raised = (work) => work.then(() => "nothing", (error) => {
  if (!(error instanceof TollgateError)) throw error;
  return { type: error.type, hasId: error.correlationId !== undefined, title: describeError(error).title };
});
async function run() {
  const stored = [];
  const client = new TollgateClient({ baseUrl, onSession: (tokens) => stored.push(tokens) });
  const required = await raised(client.auth.me());
  await client.auth.register(account);
  const user = await client.auth.login({ email: account.email, password });
  const project = await client.projects.create({ name: "Page" });
  const { key } = await client.keys.create({ name: "page" });
  const app = new TollgateClient({ baseUrl, apiKey: key });
  const call = await app.chat.create({ model: "sim-echo", messages }).withResponse();
  let streamed = "";
  for await (const { choices } of await app.chat.stream({ model: "sim-echo", messages })) {
    streamed += choices[0]?.delta.content ?? "";
  }
  const stale = { ...client.session, accessToken: "stale" };
  const later = new TollgateClient({ baseUrl, session: stale });
  const renewed = await Promise.all(Array.from({ length: 5 }, () => later.auth.me()));
  let finished;
  for await (const event of later.events()) {
    if (event.type === "ready") {
      await later.jobs.create({ project_id: project.id, type: "implement_feature", payload: { task: "Look" } });
    }
    finished = event.data.status;
    if (finished === "completed") break;
  }
  const controller = new AbortController();
  const left = app.chat.create({ model: "sim-delay-5000ms", messages }, { signal: controller.signal });
  controller.abort();
  const aborted = await left.then(() => "answered", (error) => error.name);
  // A browser has six connections to a host: what was left has to give its own back.
  for (let n = 0; n < 8; n++) {
    const stream = await app.chat.stream({ model: "sim-slow-20tps", messages });
    if (n % 2 === 0) stream.abort();
    else for await (const _ of stream) break;
  }
  const afterLeaving = (await app.chat.create({ model: "sim-echo", messages })).choices.length;
  const refusedSignIn = await raised(client.auth.login({ email: account.email, password: "wrong password" }));
  const nowhere = await raised(new TollgateClient({ baseUrl: "http://127.0.0.1:9", maxRetries: 0 }).auth.me());
  let limited;
  const startedAt = performance.now();
  for (let n = 0; n < 30 && limited === undefined; n++) {
    await client.thoughts.capture({ text: "Toll" }).catch((error) => { limited = error; });
  }
  const isToldAtOnce = performance.now() - startedAt < 20_000;
  const { action, showRetry } = describeError(limited);
  const ticks = [];
  await new Promise((resolve) => {
    const stop = countdown(limited, { onTick: (left) => ticks.push(left) === 3 && (stop(), resolve()) });
  });
  return {
    afterLeaving, refusedSignIn, limited: limited.type, isToldAtOnce, showRetry,
    hint: action.replace(/\\d+/, "n"), ticked: ticks.map((left) => left - ticks[0]),
    required, aborted, finished, streamed, nowhere: nowhere.type, sessions: stored.length,
    whole: call.data.choices[0].message.content,
    simulated: call.response.headers.get("x-tollgate-simulated"),
    hasId: call.correlationId?.startsWith("req_"),
    isSame: renewed.every(({ id }) => id === user.id),
  };
}
const result = await run().catch((error) => ({ failed: String(error?.stack ?? error) }));
document.body.textContent = JSON.stringify(result);
await fetch("/result", { method: "POST", body: JSON.stringify(result) });
`;

test("the built client works in a page of another origin", {
  skip: chromium === undefined && "no chromium",
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-browser-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const tsc = join(root, "node_modules/.bin/tsc");
  await promisify(execFile)(tsc, ["-p", join(root, "client"), "--outDir", join(folder, "client")]);

  const { origin, result } = await servePage(stack, folder);
  const server = stack.use(
    await startTollgate({ env: { CORS_ORIGINS: origin, OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "" } }),
  );
  const quiet = [
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  const apart = [
    `--user-data-dir=${join(folder, "profile")}`,
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  ];
  const url = `${origin}/?gateway=${encodeURIComponent(server.url)}`;
  const flags = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    ...quiet,
    ...apart,
  ];
  const browser = spawn(chromium!, [...flags, url], { stdio: "ignore" });
  stack.defer(async () => {
    const ended = new Promise((resolve) => browser.once("close", resolve));
    browser.kill("SIGKILL");
    await ended;
  });

  assert.deepEqual(await within(60_000, result, "the page"), {
    required: { type: "AUTH_REQUIRED", hasId: true, title: "Sign In Required" },
    refusedSignIn: { type: "AUTH_INVALID", hasId: true, title: "Sign In Failed" },
    afterLeaving: 1,
    limited: "RATE_LIMITED",
    isToldAtOnce: true,
    hint: "Try again in n seconds.",
    showRetry: false,
    ticked: [0, -1, -2],
    aborted: "AbortError",
    finished: "completed",
    streamed: "Hello from a page",
    nowhere: "NETWORK_UNREACHABLE",
    sessions: 1,
    whole: "Hello from a page",
    simulated: "true",
    hasId: true,
    isSame: true,
  });
});

/** The page, and the client beside it; the page tells it the result. */
async function servePage(stack: AsyncDisposableStack, folder: string) {
  const { promise: result, resolve } = Promise.withResolvers<unknown>();
  const server = createServer((request, response) => {
    const path = request.url!.split("?")[0]!;
    if (request.method === "POST") {
      let text = "";
      request.on("data", (chunk) => {
        text += chunk;
      });
      request.on("end", () => resolve(JSON.parse(text)));
      response.end();
    } else if (/^\/client\/[\w./-]+\.js$/.test(path)) {
      response.setHeader("content-type", "text/javascript").end(readFileSync(join(folder, path)));
    } else {
      response.setHeader("content-type", "text/html").end(`<body><script type="module">${script}</script>`);
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, result };
}
