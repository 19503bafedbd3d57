import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { changeAccount, eraseUser } from "../identity/change-account.ts";
import { changeApiKey } from "../identity/change-key.ts";
import { revokeApiKey } from "../identity/revoke-keys.ts";
import { identityDeps, issued, tester, userNamed } from "../identity/testing.ts";
import { findUser, readEpoch } from "../identity/users.ts";
import { testStore } from "../store/testing.ts";
import { deletePlan, putPlan } from "./change-plan.ts";
import { type FilePlans, holdPlan, listPlans, planOf } from "./plans.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const filePlans: FilePlans = new Map([["silver", { requests_per_minute: 20 }]]);
const deps = { ...identityDeps(db, 1), filePlans, holdPlan: holdPlan(filePlans), planOf: planOf(filePlans) };
let count = 0;

beforeEach(async () => {
  await db.deleteFrom("plans").execute();
});

const put = (name: string, limits = {}) => putPlan(deps, tester, name, limits);
const remove = (name: string) => deletePlan(deps, tester, name);
const assign = (userId: string, plan: string | null) => changeAccount(deps, tester, userId, { plan });
const newUser = () => userNamed(db, `usr_p${++count}`);

/** The plan that a user meets now. */
async function planOfUser(userId: string) {
  const { plan, planLimits } = (await findUser(db, userId))!;
  return deps.planOf(plan, planLimits);
}

test("a stored plan goes before the configuration file's, and one that is nowhere limits nothing", () => {
  const stored = { tokens_per_minute: 5, calls_in_flight: 0 };
  assert.deepEqual(deps.planOf("silver", stored).limits, { tokensPerMinute: 5, callsInFlight: 0 });
  assert.deepEqual(deps.planOf("silver", {}).limits, {});
  assert.deepEqual(deps.planOf("silver", null).limits, { requestsPerMinute: 20 });
  assert.deepEqual(deps.planOf("constructor", null), { name: "constructor", limits: {} });
  assert.deepEqual(deps.planOf(null, null), { name: "default", limits: {} });
});

test("whoever has no plan has the default one, stored or not", async () => {
  const ann = await newUser();
  assert.deepEqual(await planOfUser(ann), { name: "default", limits: {} });
  await put("default", { daily_requests: 9 });
  assert.deepEqual(await planOfUser(ann), { name: "default", limits: { dailyRequests: 9 } });
});

test("deleting a stored plan shows the configuration file's again", async () => {
  const names = async () => (await listPlans(db, filePlans)).map(({ name, source }) => `${name} ${source}`);
  const ann = await newUser();
  await assign(ann, "silver");
  await put("silver", { requests_per_minute: 1 });
  await put("gold");
  assert.deepEqual(await names(), ["gold stored", "silver stored"]);
  await remove("silver");
  await remove("gold");
  assert.deepEqual(await names(), ["silver file"]);
  assert.deepEqual((await planOfUser(ann)).limits, { requestsPerMinute: 20 });
  await assert.rejects(remove("silver"), { code: "CONFLICT" });
  await assert.rejects(remove("gold"), { code: "NOT_FOUND" });
});

test("a plan is deleted only when nobody has it any more: no user, no key that still works", async () => {
  const [ann, bob] = [await newUser(), await newUser()];
  await put("gold");
  await assign(ann, "gold");
  const { apiKey } = await issued(deps, bob, { plan: "gold" });
  await assert.rejects(remove("gold"), { code: "CONFLICT" });
  await eraseUser({ ...deps, erasePersonal: async () => 0 }, tester, ann);
  await assert.rejects(remove("gold"), { code: "CONFLICT" });
  await revokeApiKey(deps, tester, apiKey.prefix);
  await remove("gold");
});

test("nobody gets a plan that is not there", async () => {
  const ann = await newUser();
  const unknown = {
    code: "VALIDATION_FAILED",
    details: { faults: [{ path: "plan", message: "is no plan here" }] },
  };
  await assert.rejects(assign(ann, "gold"), unknown);
  await assert.rejects(issued(deps, ann, { plan: "gold" }), unknown);
  const { apiKey } = await issued(deps, ann);
  await assert.rejects(
    changeApiKey(deps, tester, apiKey.prefix, (key) => ({ ...key, plan: "gold" })),
    unknown,
  );
  await assign(ann, "default");
  await assign(ann, "silver");
});

test("a plan that is assigned and deleted at once is either kept or not assigned", async () => {
  for (let round = 0; round < 20; round++) {
    await put("gold");
    const ann = await newUser();
    const both =
      round % 2 === 0 ? [assign(ann, "gold"), remove("gold")] : [remove("gold"), assign(ann, "gold")];
    const settled = await Promise.allSettled(both as Promise<unknown>[]);
    const isThere = (await listPlans(db, filePlans)).some(({ name }) => name === "gold");
    const { plan } = (await findUser(db, ann))!;
    assert.equal(isThere, plan === "gold");
    assert.equal(settled.filter(({ status }) => status === "rejected").length, 1);
    await assign(ann, null);
  }
});

test("a plan's change leaves one entry and drops cached identities, and no change leaves none", async () => {
  await put("gold", { requests_per_minute: 1, daily_requests: 2 });
  const epoch = await readEpoch(db);
  await put("gold", { daily_requests: 2, requests_per_minute: 1 });
  assert.equal(await readEpoch(db), epoch);
  await put("gold", { requests_per_minute: 3 });
  assert.equal(await readEpoch(db), epoch + 1);
  const { entry } = await db
    .selectFrom("audit_entries")
    .select("entry")
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirstOrThrow();
  const { action, target, changes } = JSON.parse(entry);
  assert.deepEqual([action, target], ["policy.change", { type: "plan", id: "gold" }]);
  const before = { requests_per_minute: 1, daily_requests: 2 };
  assert.deepEqual(changes, { limits: [before, { requests_per_minute: 3 }] });
});
