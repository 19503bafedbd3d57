import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createProject } from "../access/projects.ts";
import { createBudget } from "../costs/budgets.ts";
import type { Principal } from "../identity/principal.ts";
import { userNamed, watched } from "../identity/testing.ts";
import { VirtualClock } from "../lib/clock.ts";
import { testStore } from "../store/testing.ts";
import { payers } from "./payer.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
await userNamed(db, "usr_ann");
await userNamed(db, "usr_bob");

const project = async (ownerId: string) =>
  (await createProject({ db, clock: new VirtualClock() }, { name: "p", description: null, ownerId })).id;
const annsProject = await project("usr_ann");
const bobsProject = await project("usr_bob");

function ann(keyProject?: number): Principal {
  const credential =
    keyProject === undefined
      ? ({ kind: "static" } as const)
      : ({
          kind: "key",
          keyId: 5,
          prefix: "AbCdEf012345",
          scopes: [],
          projectId: keyProject,
          dailyQuota: null,
        } as const);
  return { userId: "usr_ann", role: "developer", credential, epoch: 1 };
}

test("a call is paid by the key's project, else by the one it names, else by nobody besides its user", async () => {
  const { projectOf } = payers({ db, clock: new VirtualClock() });
  assert.equal(await projectOf(ann(), undefined), undefined);
  assert.equal(await projectOf(ann(), annsProject), annsProject);
  assert.equal(await projectOf(ann(bobsProject), undefined), bobsProject);
  assert.equal(await projectOf(ann(bobsProject), bobsProject), bobsProject);
});

test("a project that one may not spend in is not there", async () => {
  const { projectOf } = payers({ db, clock: new VirtualClock() });
  for (const [who, named] of [
    [ann(), bobsProject],
    [ann(), 999_999],
    [ann(bobsProject), annsProject],
  ] as const) {
    await assert.rejects(projectOf(who, named), { code: "NOT_FOUND" }, String(named));
  }
});

test("a call is under the budgets of its project and its user, which are read again every second", async () => {
  const clock = new VirtualClock();
  const database = watched(db);
  const { budgetIdsOf } = payers({ db: database.db, clock });
  assert.deepEqual(await budgetIdsOf(ann(), annsProject), []);
  const budget = (scope: "project" | "user", scopeId: string) =>
    createBudget(db, { scope, scopeId, allocatedPico: 1n, period: "none" }, clock.now());
  const ids = [await budget("project", String(annsProject)), await budget("user", "usr_ann")];
  await budget("user", "usr_bob");
  clock.advance(999);
  assert.deepEqual(await budgetIdsOf(ann(), annsProject), []);
  clock.advance(1);
  assert.deepEqual([...(await budgetIdsOf(ann(), annsProject))].sort(), ids);
  const before = database.queries;
  await Promise.all([budgetIdsOf(ann(), annsProject), budgetIdsOf(ann(), annsProject)]);
  assert.equal(database.queries, before);
});

test("a failed look-up is not remembered", async () => {
  const database = watched(db);
  const { projectOf } = payers({ db: database.db, clock: new VirtualClock() });
  database.isDown = true;
  await assert.rejects(projectOf(ann(), annsProject), { name: "StoreUnavailable" });
  database.isDown = false;
  assert.equal(await projectOf(ann(), annsProject), annsProject);
});
