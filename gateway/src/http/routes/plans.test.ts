import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import { auditOf, type Caller, type Json, newCaller } from "./access.testing.ts";

let app: TestApp;
let boss: Caller;

before(async () => {
  const plans = { silver: { limits: { requests_per_minute: 20 } } };
  app = await testApp({ KEY_RATE_LIMIT_PER_MINUTE: "", IP_RATE_LIMIT_PER_MINUTE: "" }, { plans });
  boss = await newCaller(app, "usr_boss", "admin");
});
after(() => app.close());

const refused = (answered: { status: number; json: Json }, status: number, code: string) =>
  assert.deepEqual([answered.status, answered.json.code], [status, code]);

test("a plan is stored, listed, changed and deleted, and every step says who did it", async () => {
  const made = await boss("PUT", "/admin/plans/gold", { limits: { daily_requests: 5, calls_in_flight: 2 } });
  const limits = { daily_requests: 5, calls_in_flight: 2 };
  const updated_at = made.json.updated_at;
  const gold = { name: "gold", limits, source: "stored", updated_at, updated_by: "usr_boss" };
  assert.deepEqual([made.status, made.json], [200, gold]);
  const silver = { requests_per_minute: 20 };
  const ofFile = { name: "silver", limits: silver, source: "file", updated_at: null, updated_by: null };
  assert.deepEqual((await boss("GET", "/admin/plans")).json, { items: [gold, ofFile], next_cursor: null });

  const first = (await boss("GET", "/admin/plans?limit=1")).json as { items: Json[]; next_cursor: string };
  assert.deepEqual(first.items, [gold]);
  const rest = await boss("GET", `/admin/plans?limit=1&cursor=${first.next_cursor}`);
  assert.deepEqual(rest.json, { items: [ofFile], next_cursor: null });

  assert.deepEqual((await boss("PUT", "/admin/plans/gold", { limits: {} })).json.limits, {});
  assert.equal((await boss("DELETE", "/admin/plans/gold")).status, 204);
  const entries = (await auditOf(app)).filter(({ action }) => action === "policy.change");
  assert.deepEqual(
    entries.map(({ by, target, changes }) => [by, target, changes]),
    [
      ["usr_boss", "plan gold", { limits: [null, limits] }],
      ["usr_boss", "plan gold", { limits: [limits, {}] }],
      ["usr_boss", "plan gold", { limits: [{}, null] }],
    ],
  );
});

test("a plan that somebody has is not deleted, and one of the file only by the file", async () => {
  const { id } = await app.person();
  await boss("PUT", "/admin/plans/gold", { limits: {} });
  assert.equal((await boss("PATCH", `/admin/users/${id}`, { plan: "gold" })).json.plan, "gold");
  refused(await boss("DELETE", "/admin/plans/gold"), 409, "CONFLICT");
  assert.equal((await boss("PATCH", `/admin/users/${id}`, { plan: null })).json.plan, "default");
  assert.equal((await boss("DELETE", "/admin/plans/gold")).status, 204);
  refused(await boss("DELETE", "/admin/plans/gold"), 404, "NOT_FOUND");
  refused(await boss("DELETE", "/admin/plans/silver"), 409, "CONFLICT");
});

test("a plan has the limits that there are, and nothing else", async () => {
  for (const [body, path] of [
    [{}, "limits"],
    [{ limits: { requests_per_minute: -1 } }, "limits.requests_per_minute"],
    [{ limits: { requests_per_minute: 1.5 } }, "limits.requests_per_minute"],
    [{ limits: { hourly_requests: 1 } }, "limits.hourly_requests"],
    [{ limits: {}, name: "x" }, "name"],
    [{ limits: {}, updated_by: "x" }, "updated_by"],
  ] as const) {
    const answered = await boss("PUT", "/admin/plans/bad", body);
    refused(answered, 400, "VALIDATION_FAILED");
    assert.equal((answered.json.details as Json[])[0]?.path, path);
  }
  for (const name of ["Gold", "-gold", "g_1", "x".repeat(64)]) {
    refused(await boss("PUT", `/admin/plans/${name}`, { limits: {} }), 400, "VALIDATION_FAILED");
  }
  assert.equal((await app.store.db.selectFrom("plans").selectAll().execute()).length, 0);
});

test("an unknown plan is given to nobody, and told at its field", async () => {
  const { id } = await app.person();
  for (const plan of ["gold", "constructor"]) {
    const answered = await boss("PATCH", `/admin/users/${id}`, { plan });
    refused(answered, 400, "VALIDATION_FAILED");
    assert.deepEqual(answered.json.details, [{ path: "plan", message: "is no plan here" }]);
  }
  assert.equal((await boss("PATCH", `/admin/users/${id}`, { plan: "silver" })).json.plan, "silver");
});

test("a key gets its plan from an administrator, and shares it with its successors", async () => {
  const ann = await newCaller(app, "usr_ann");
  const own = (await ann("POST", "/auth/api-keys", { name: "own", scopes: [] })).json as { id: number };
  const path = `/auth/api-keys/${own.id}`;
  refused(await ann("POST", "/auth/api-keys", { name: "x", plan: "silver" }), 403, "SCOPE_MISSING");
  refused(await ann("PATCH", path, { plan: "silver" }), 403, "SCOPE_MISSING");
  refused(await ann("PATCH", path, { plan: null }), 403, "SCOPE_MISSING");

  const changed = await boss("PATCH", path, { plan: "silver", daily_quota: 7 });
  assert.deepEqual([changed.status, changed.json.plan, changed.json.daily_quota], [200, "silver", 7]);
  refused(await boss("PATCH", path, { plan: "silver", name: "x" }), 403, "FORBIDDEN");
  refused(await boss("PATCH", path, { plan: "gold" }), 400, "VALIDATION_FAILED");
  const successor = (await ann("POST", `${path}/rotate`, { grace_seconds: 60 })).json as { id: number };
  assert.equal((await ann("GET", `/auth/api-keys/${successor.id}`)).json.plan, "silver");
  assert.equal((await boss("PATCH", path, { plan: null })).json.plan, null);
  assert.equal((await ann("GET", `/auth/api-keys/${successor.id}`)).json.plan, null);
  const mine = await boss("POST", "/auth/api-keys", { name: "x", scopes: [], plan: "silver" });
  assert.deepEqual([mine.status, mine.json.plan], [201, "silver"]);
});
