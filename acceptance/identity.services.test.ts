import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../gateway/src/lib/until.testing.ts";
import { type Services, startServices } from "../scripts/services.ts";
import { ask, told } from "./ask.ts";
import { type Instances, startInstances } from "./instances.ts";
import { changeUser, issueKey, newAdministrator, newPerson, type Person, signIn } from "./people.ts";
import { freeze, SECRET_KEY, withoutStores } from "./stores.ts";

const skip = withoutStores();
const CALLERS = 20;
/** K6: every instance refuses a revoked key within this time, whatever is down. */
const PROPAGATION_MS = 1_000;

let services: Services;
let instances: Instances;
let admin: Person;
let [a, b] = ["", ""];

before(async () => {
  if (skip !== false) return;
  services = await startServices();
  const { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL } = services;
  instances = await startInstances(2, { DATABASE_URL, REDIS_URL, SECRET_KEY });
  [a = "", b = ""] = instances.urls;
  admin = await newAdministrator(a, instances.setupToken!);
});
after(async () => {
  await instances?.[Symbol.asyncDispose]();
  await services?.stop();
});

type Sent = { readonly url: string; readonly at: number; readonly status: number };
type Load = { readonly sent: readonly Sent[]; readonly stop: () => Promise<void> };

/** Callers that ask both instances in turn, without a pause. */
function load(line: string, token: string): Load {
  const sent: Sent[] = [];
  let isOver = false;
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    for (let turn = caller; !isOver; turn++) {
      const url = instances.url(turn);
      const at = performance.now();
      sent.push({ url, at, status: (await ask(url, line, { token })).status });
    }
  });
  return {
    sent,
    async stop() {
      isOver = true;
      await Promise.all(callers);
    },
  };
}

/** What was answered to requests that were sent after `change` was acknowledged, under load on both instances. */
async function answersAfter(line: string, token: string, change: () => Promise<unknown>) {
  const { sent, stop } = load(line, token);
  try {
    const count = (url: string, from: number) =>
      sent.filter((one) => one.url === url && one.at > from).length;
    await until(() => instances.urls.every((url) => count(url, 0) >= CALLERS));
    assert.deepEqual(new Set(sent.map(({ status }) => status)), new Set([200]));
    await change();
    const endedAt = performance.now();
    await until(() => instances.urls.every((url) => count(url, endedAt) >= 2 * CALLERS));
    await stop();
    return sent.filter(({ at }) => at > endedAt).map((one) => ({ ...one, lateMs: one.at - endedAt }));
  } finally {
    await stop();
  }
}

async function assertOnly(status: number, line: string, token: string, change: () => Promise<unknown>) {
  const statuses = (await answersAfter(line, token, change)).map((answer) => answer.status);
  assert.deepEqual([...new Set(statuses)], [status]);
}

const me = "GET /auth/me";

test("no request sent after a key's revocation is let in, on any instance", { skip }, async () => {
  const person = await newPerson(a, "revokes");
  const { id, key } = await issueKey(a, person);
  await assertOnly(401, me, key, () => told(a, `DELETE /auth/api-keys/${id}`, { token: person.token }));
});

test("no request sent after a rotation without grace is let in with the old key", { skip }, async () => {
  const person = await newPerson(a, "rotates");
  const { id, key } = await issueKey(a, person);
  await assertOnly(401, me, key, () =>
    told(a, `POST /auth/api-keys/${id}/rotate`, { token: person.token, json: { grace_seconds: 0 } }),
  );
});

test("no request sent after a sign-out is let in with the session's access token", { skip }, async () => {
  const person = await newPerson(a, "leaves");
  await assertOnly(401, me, person.token, () => told(a, "POST /auth/logout", { token: person.token }));
});

test("no request sent after a password change is let in with another session's token", { skip }, async () => {
  const person = await newPerson(a, "changes");
  const other = await signIn(b, person);
  const json = { current_password: person.password, new_password: "password456" };
  await assertOnly(401, me, other.token, () => told(a, "POST /auth/password", { token: person.token, json }));
});

test("no request of a user who was shut out is let in, by token or key", { skip }, async () => {
  const person = await newPerson(a, "shutout");
  const { key } = await issueKey(a, person);
  await assertOnly(401, me, key, () => changeUser(a, admin, person.id, { active: false }));
  assert.equal((await ask(b, me, { token: person.token })).status, 401);
});

test("no request of a demoted user is let in where the new role may not go", { skip }, async () => {
  const person = await newPerson(a, "demoted");
  await changeUser(a, admin, person.id, { role: "admin" });
  const { key } = await issueKey(a, await signIn(a, person), { scopes: ["admin:*"] });
  await assertOnly(403, "GET /admin/users", key, () =>
    changeUser(a, admin, person.id, { role: "developer" }),
  );
});

async function assertSoonRefused(name: string): Promise<void> {
  const person = await newPerson(a, name);
  const { id, key } = await issueKey(a, person);
  const answers = await answersAfter(me, key, () =>
    told(a, `DELETE /auth/api-keys/${id}`, { token: person.token }),
  );
  const letIn = answers.filter(({ status }) => status !== 401);
  assert.deepEqual(
    letIn.filter(({ url }) => url === a),
    [],
    "the instance that revoked it",
  );
  assert.ok(letIn.every(({ status, lateMs }) => status === 200 && lateMs <= PROPAGATION_MS));
  const isRefused = async () => (await ask(b, me, { token: key })).status === 401;
  await until(isRefused, { limitMs: PROPAGATION_MS });
}

test("with Redis frozen a revoked key is refused everywhere within a second", { skip }, async () => {
  const thaw = freeze(services.redisPid);
  try {
    await assertSoonRefused("frozen");
  } finally {
    thaw();
  }
});

test("a key revoked while Redis was frozen stays refused when it wakes", { skip }, async () => {
  const person = await newPerson(a, "wakes");
  const { id, key } = await issueKey(a, person);
  for (const url of instances.urls) assert.equal((await ask(url, me, { token: key })).status, 200);
  const thaw = freeze(services.redisPid);
  await told(a, `DELETE /auth/api-keys/${id}`, { token: person.token }).finally(thaw);
  assert.equal((await ask(a, me, { token: key })).status, 401);
  const isRefused = async () => (await ask(b, me, { token: key })).status === 401;
  await until(isRefused, { limitMs: PROPAGATION_MS });
  for (let turn = 0; turn < CALLERS; turn++) assert.ok(await isRefused());
});

test("with Redis gone a revoked key is refused everywhere within a second", { skip }, async () => {
  process.kill(services.redisPid, "SIGKILL");
  await assertSoonRefused("gone");
});
