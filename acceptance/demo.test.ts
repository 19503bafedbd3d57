import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { until } from "../gateway/src/lib/until.testing.ts";
import { readOwner } from "../gateway/src/store/lock.ts";
import { within } from "./within.ts";

const main = join(import.meta.dirname, "..", "gateway", "src", "main.ts");
const TOUR_LIMIT_MS = 120_000;
const folder = mkdtempSync(join(tmpdir(), "tollgate-demo-test-"));
const [workingFolder, temporary] = [join(folder, "empty"), join(folder, "tmp")];
for (const path of [workingFolder, temporary]) mkdirSync(path);
const running = new Set<ChildProcess>();
after(async () => {
  for (const child of running) {
    child.kill("SIGTERM");
    await once(child, "close");
  }
  rmSync(folder, { recursive: true });
});

/** Settings that a tour must not look at: with any of them its server would not start. */
const misleading = {
  DATABASE_URL: "postgres://127.0.0.1:1/nowhere",
  REDIS_URL: "redis://127.0.0.1:1",
  CONFIG_FILE: "/nowhere/tollgate.yaml",
  OPENAI_API_KEY: "sk-nobody",
  TOLLGATE_MISSPELT: "1",
};

test("a tour that is interrupted in the middle leaves no process and no folder", async () => {
  const { child, ended, stdout } = start("demo");
  await until(() => stdout().includes("\n3. "), { limitMs: TOUR_LIMIT_MS, what: stdout });
  const url = /URL=(http:\S+)/.exec(stdout())![1]!;
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  child.kill("SIGINT");
  child.kill("SIGINT");
  const { code, stderr } = await within(TOUR_LIMIT_MS, ended, "the end of the tour");
  assert.deepEqual([code, stderr], [1, "Stopped. Nothing is left behind.\n"]);
  await assert.rejects(fetch(`${url}/healthz`));
  assertNothingIsLeft();
});

test("a tour that is killed takes its server along, and whoever comes next its folder", async () => {
  const { child, ended, stdout } = start("demo");
  await until(() => stdout().includes("\n1. "), { limitMs: TOUR_LIMIT_MS, what: stdout });
  const url = /URL=(http:\S+)/.exec(stdout())![1]!;
  child.kill("SIGKILL");
  await ended;
  const isGone = () =>
    fetch(`${url}/healthz`).then(
      () => false,
      () => true,
    );
  await until(isGone, { limitMs: TOUR_LIMIT_MS });
  const [left] = readdirSync(temporary);
  const hasEnded = () => readOwner(join(temporary, left!, "data", "database")) === undefined;
  await until(hasEnded, { limitMs: TOUR_LIMIT_MS });
  assert.notEqual(left, undefined);
});

test("every step of the tour holds, and a server that is kept answers its commands until Ctrl-C", async () => {
  const { child, ended, stdout } = start("demo", "--keep");
  await until(() => stdout().includes("until Ctrl-C"), { limitMs: TOUR_LIMIT_MS, what: stdout });
  const titles = [...stdout().matchAll(/^\d+\. (.*)$/gm)].map(([, title]) => title);
  assert.deepEqual(titles, [
    "Who is calling?",
    "May it run now?",
    "What did it cost?",
    "Is there money for it?",
    "What if a provider fails?",
    "What if the client leaves in the middle of a stream?",
    "Does it get done?",
    "What if it keeps failing?",
    "What can be built on it?",
    "Do the books agree?",
  ]);
  assert.equal(stdout().match(/^ {2}✔ /gm)?.length, titles.length);
  assert.match(stdout(), /^All 10 hold\.$/m);
  const [, url, key] = /URL=(\S+)\n *KEY=(\S+)/.exec(stdout())!;
  const [, email, password] = /Administrator: (\S+), password (\S+)/.exec(stdout())!;
  const me = await fetch(`${url}/auth/me`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal(((await me.json()) as { email: string }).email, "ann@tollgate.example");
  const login = await fetch(`${url}/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  assert.equal(login.status, 200);
  for (const line of stdout().split("\n")) assert.ok(line.length <= 80, line);
  child.kill("SIGINT");
  assert.equal((await within(TOUR_LIMIT_MS, ended, "the end")).code, 0);
  await assert.rejects(fetch(`${url}/healthz`));
  assertNothingIsLeft();
});

test("a measurement ends by itself, says what Tollgate adds, and leaves nothing, of itself or others", async () => {
  const { ended } = start("bench", "--seconds", "1", "--connections", "4", "--json");
  const { code, stdout, stderr } = await within(TOUR_LIMIT_MS, ended, "the measurement");
  assert.equal(code, 0, stderr);
  const { whole, firstByte } = JSON.parse(stdout) as Record<"whole" | "firstByte", Compared>;
  for (const { directly, through, added } of [whole, firstByte]) {
    assert.ok(directly.perSecond > 0 && through.perSecond > 0 && through.p50Ms > 0, stdout);
    assert.equal(added.p50Ms, through.p50Ms - directly.p50Ms);
  }
  assertNothingIsLeft();
});

type Figures = { readonly p50Ms: number; readonly perSecond: number };
type Compared = Readonly<Record<"directly" | "through" | "added", Figures>>;

function start(...command: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [main, ...command], {
    cwd: workingFolder,
    env: { ...misleading, PATH: process.env.PATH, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]!.setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, "close").then(([code]) => {
    running.delete(child);
    return { code: code as number | null, ...output };
  });
  return { child, ended, stdout: () => output.stdout };
}

function assertNothingIsLeft(): void {
  assert.deepEqual([readdirSync(workingFolder), readdirSync(temporary)], [[], []]);
}
