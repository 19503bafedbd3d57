import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startProgram } from "./running.ts";

const data = mkdtempSync(join(tmpdir(), "tollgate-example-"));
const app = await startProgram(["--conditions=source", join(import.meta.dirname, "fastify-app/server.ts")], {
  cwd: data,
  env: {
    DATA_DIR: data,
    PORT: "0",
    LOG_LEVEL: "silent",
    APP_AUTH_TOKEN_USER_MAP: "token-of-ann:usr_ann,token-of-bob:usr_bob",
  },
});
after(async () => {
  await app[Symbol.asyncDispose]();
  rmSync(data, { recursive: true, force: true });
});

const ann = { authorization: "Bearer token-of-ann" };
const keep = (headers: Record<string, string>, text = "Call Anna on Friday") =>
  fetch(`${app.url}/notes`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ text }),
  });

test("the app's routes ask who is calling, and its open one does not", async () => {
  assert.equal((await keep({})).status, 401);
  assert.equal((await keep(ann)).status, 201);
  const listed = await fetch(`${app.url}/notes`, { headers: ann });
  assert.deepEqual(await listed.json(), [{ text: "Call Anna on Friday" }]);
  const open = await fetch(`${app.url}/healthz`);
  assert.deepEqual([open.status, open.headers.get("x-correlation-id")], [200, null]);
});

test("a model summarises the notes, whole and as it writes", async () => {
  const whole = (await (await fetch(`${app.url}/notes/summary`, { headers: ann })).json()) as {
    user: string;
    summary: string;
    costUsd: string;
  };
  assert.equal(whole.user, "usr_ann");
  assert.match(whole.summary, /Call Anna on Friday/);
  assert.ok(Number(whole.costUsd) > 0);
  const live = await fetch(`${app.url}/notes/summary/live`, { headers: ann });
  assert.equal(await live.text(), whole.summary);
});

test("of 25 notes at once 20 are kept, and the rest are told when to come again", async () => {
  const bob = { authorization: "Bearer token-of-bob" };
  const answers = await Promise.all(Array.from({ length: 25 }, () => keep(bob)));
  const statuses = answers.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 201).length, 20);
  assert.equal(statuses.filter((status) => status === 429).length, 5);
});

test("the app stops by itself when it is told to", async () => {
  assert.equal(await app.stop(), 0);
});
