import assert from "node:assert/strict";
import { after, test } from "node:test";
import { projectOf } from "../access/testing.ts";
import { testStore } from "../store/testing.ts";
import type { Actor, Cause } from "../telemetry/change.ts";
import { issueApiKey } from "./api-keys.ts";
import { changeApiKey, rotateApiKey } from "./change-key.ts";
import { revokeApiKey } from "./revoke-keys.ts";
import { listSessions, revokeSessions } from "./sessions.ts";
import { openSession } from "./sign-in.ts";
import { identityDeps, issued, tester, userNamed } from "./testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
let users = 0;

async function person() {
  users += 1;
  const userId = await userNamed(db, `usr_${users}`);
  const deps = identityDeps(db, users);
  const source = { address: "198.51.100.7", userAgent: undefined };
  const signIn = () => {
    deps.clock.advance(1);
    return deps.change(tester, (tx, note) =>
      openSession(tx, note, deps, { userId, method: "password", source }),
    );
  };
  const { sessionId } = await signIn();
  const by = (type: Actor["type"], fields: Partial<Actor> = {}): Cause => ({
    actor: { type, id: userId, ...fields },
  });
  const issue = (cause: Cause, projectId: number | null = null) =>
    issueApiKey(deps, cause, { userId, name: "test", scopes: [], projectId });
  return { userId, deps, signIn, sessionId, by, issue };
}

test("a session that has ended, a key that has, or a user who was shut out makes no key any more", async () => {
  const { userId, deps, sessionId, by, issue } = await person();
  const { apiKey } = await issued(deps, userId);
  const asked = [
    by("user", { sessionId }),
    by("key", { keyPrefix: apiKey.prefix }),
    by("user", { sessionId, keyPrefix: apiKey.prefix }),
  ];
  for (const cause of asked) await issue(cause);
  await revokeApiKey(deps, tester, apiKey.prefix);
  for (const cause of asked.slice(1)) await assert.rejects(issue(cause), { code: "AUTH_INVALID" });
  await issue(asked[0]!);
  await revokeSessions(deps, tester, userId, "all");
  await assert.rejects(issue(asked[0]!), { code: "AUTH_INVALID" });
  await issue(by("static"));
  await db.updateTable("users").set({ active: false }).where("id", "=", userId).execute();
  await assert.rejects(issue(by("static")), { code: "AUTH_INVALID" });
});

test("a key gets no successor from who was shut out meanwhile", async () => {
  const { userId, deps, sessionId, by } = await person();
  const { apiKey } = await issued(deps, userId);
  await revokeSessions(deps, tester, userId, "all");
  const rotating = rotateApiKey(deps, by("user", { sessionId }), apiKey.prefix, { graceSeconds: 0 });
  await assert.rejects(rotating, { code: "AUTH_INVALID" });
});

test("nobody makes a key for a user who was erased, not even the operator", async () => {
  const { userId, issue } = await person();
  await db
    .updateTable("users")
    .set({ erased_at: new Date(0) })
    .where("id", "=", userId)
    .execute();
  await assert.rejects(issue(tester), { code: "NOT_FOUND" });
});

test("no key is bound to a project that is deleted or archived", async () => {
  const { userId, deps, issue } = await person();
  const { apiKey } = await issue(tester);
  for (const over of [{ deleted_at: new Date(0) }, { archived_at: new Date(0) }]) {
    const projectId = await projectOf(db, userId, over);
    await assert.rejects(issue(tester, projectId), { code: "NOT_FOUND" });
    const binding = changeApiKey(deps, tester, apiKey.prefix, (key) => ({ ...key, projectId }));
    await assert.rejects(binding, { code: "NOT_FOUND" });
  }
});

test("a user has a thousand live keys at most; ended ones do not count", async () => {
  const { userId, deps, issue } = await person();
  const { apiKey } = await issue(tester);
  const other = (index: number, revoked_at: Date | null) => ({
    user_id: userId,
    prefix: `k${userId}_${index}`,
    digest: Buffer.from(`${userId}_${index}`),
    name: "test",
    scopes: [],
    created_by: "test",
    created_at: new Date(0),
    revoked_at,
  });
  const rows = Array.from({ length: 1_200 }, (_, index) => other(index, index < 999 ? null : new Date(0)));
  await db.insertInto("api_keys").values(rows).execute();
  await assert.rejects(issue(tester), { code: "CONFLICT" });
  const kept = rotateApiKey(deps, tester, apiKey.prefix, { graceSeconds: 60 });
  await assert.rejects(kept, { code: "CONFLICT" });
  await rotateApiKey(deps, tester, apiKey.prefix, { graceSeconds: 0 });
  await revokeApiKey(deps, tester, rows[0]!.prefix);
  await issue(tester);
});

test("the hundred-and-first sign-in of a user ends the oldest session", async () => {
  const { userId, deps, signIn, sessionId } = await person();
  for (let signIns = 1; signIns < 100; signIns++) await signIn();
  const live = async () =>
    (await listSessions(deps, userId, { after: undefined, limit: 200 })).map(({ id }) => id);
  assert.equal((await live()).length, 100);
  assert.ok((await live()).includes(sessionId));
  const newest = await signIn();
  assert.equal((await live()).length, 100);
  assert.ok(!(await live()).includes(sessionId));
  assert.ok((await live()).includes(newest.sessionId));
});
