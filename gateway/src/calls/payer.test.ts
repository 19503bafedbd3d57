import assert from "node:assert/strict";
import { after, test } from "node:test";
import { memberOf, projectOf as newProject, teamOf } from "../access/testing.ts";
import { createBudget } from "../costs/budgets.ts";
import type { KeyGrant, Principal } from "../identity/principal.ts";
import { grant, principal, userNamed, watched } from "../identity/testing.ts";
import { VirtualClock } from "../lib/clock.ts";
import { testStore } from "../store/testing.ts";
import { payers } from "./payer.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
for (const id of ["usr_ann", "usr_bob"]) await userNamed(db, id);
const annsProject = await newProject(db, "usr_ann");
const bobsProject = await newProject(db, "usr_bob");

const ann = principal();

function keyOf(ownerId: string, fields: Partial<KeyGrant> = {}): Principal {
  const key = grant({ ownerId, ...fields });
  return principal({ userId: ownerId, credential: { kind: "key" }, key });
}

/** Ann, signed in, beside an app's key. */
function annBeside({ key }: Principal): Principal {
  return { ...ann, credential: { kind: "session", sessionId: "s" }, key: key! };
}

const fresh = () => payers({ db, clock: new VirtualClock() });

test("a call is paid by the key's project, else by the one it names, else by nobody besides its user", async () => {
  const { projectOf } = fresh();
  assert.equal(await projectOf(ann, undefined), undefined);
  assert.equal(await projectOf(ann, annsProject), annsProject);
  assert.equal(await projectOf(keyOf("usr_ann"), annsProject), annsProject);
  const bound = keyOf("usr_bob", { projectId: bobsProject });
  assert.equal(await projectOf(bound, undefined), bobsProject);
  assert.equal(await projectOf(bound, bobsProject), bobsProject);
});

test("an app's bound key pays for whoever has signed in beside it", async () => {
  const app = annBeside(keyOf("usr_bob", { projectId: bobsProject }));
  assert.equal(await fresh().projectOf(app, undefined), bobsProject);
  const unbound = annBeside(keyOf("usr_bob"));
  assert.equal(await fresh().projectOf(unbound, undefined), undefined);
  await assert.rejects(fresh().projectOf(unbound, bobsProject), { code: "NOT_FOUND" });
});

test("a project that one may not know of is not there", async () => {
  const admin: Principal = { ...keyOf("usr_bob", { projectId: bobsProject }), role: "admin" };
  for (const [who, named] of [
    [ann, bobsProject],
    [ann, 999_999],
    [keyOf("usr_ann"), bobsProject],
    [keyOf("usr_bob", { projectId: bobsProject }), annsProject],
    [admin, annsProject],
  ] as const) {
    await assert.rejects(fresh().projectOf(who, named), { code: "NOT_FOUND" }, JSON.stringify([who, named]));
  }
});

test("developers spend, viewers do not, and a bound key only while its owner may", async () => {
  const id = await newProject(db, "usr_bob");
  const bound = keyOf("usr_ann", { projectId: id });
  for (const who of [ann, bound]) {
    await assert.rejects(fresh().projectOf(who, id), { code: "NOT_FOUND" });
  }
  const place = { kind: "project", id } as const;
  await memberOf(db, place, "usr_ann", "viewer");
  for (const who of [ann, bound]) {
    await assert.rejects(fresh().projectOf(who, id), { code: "FORBIDDEN" });
  }
  await db.updateTable("project_members").set({ role: "developer" }).where("project_id", "=", id).execute();
  for (const who of [ann, bound]) assert.equal(await fresh().projectOf(who, id), id);
});

test("nobody spends in a project that is archived or deleted", async () => {
  for (const state of [{ archived_at: new Date(1) }, { deleted_at: new Date(1) }]) {
    const id = await newProject(db, "usr_ann", state);
    const admin: Principal = { ...ann, role: "admin" };
    for (const who of [ann, admin, keyOf("usr_ann", { projectId: id })]) {
      await assert.rejects(fresh().projectOf(who, id), { code: "NOT_FOUND" });
    }
  }
});

test("what somebody may spend in is believed for a second, and for nobody else", async () => {
  const clock = new VirtualClock();
  const database = watched(db);
  const { projectOf } = payers({ db: database.db, clock });
  const id = await newProject(db, "usr_ann");
  await projectOf(ann, id);
  const before = database.queries;
  await projectOf(ann, id);
  assert.equal(database.queries, before);
  await assert.rejects(projectOf({ ...ann, userId: "usr_bob" }, id), { code: "NOT_FOUND" });
  await db
    .updateTable("projects")
    .set({ archived_at: new Date(1) })
    .where("id", "=", id)
    .execute();
  clock.advance(999);
  assert.equal(await projectOf(ann, id), id);
  clock.advance(1);
  await assert.rejects(projectOf(ann, id), { code: "NOT_FOUND" });
});

test("a call is under the budgets of its project and its user, which are read again every second", async () => {
  const clock = new VirtualClock();
  const database = watched(db);
  const { budgetIdsOf } = payers({ db: database.db, clock });
  assert.deepEqual(await budgetIdsOf(ann, annsProject), []);
  const budget = (scope: "project" | "user", scopeId: string) =>
    createBudget(db, { scope, scopeId, allocatedPico: 1n, period: "none" }, clock.now());
  const ids = [await budget("project", String(annsProject)), await budget("user", "usr_ann")];
  await budget("user", "usr_bob");
  clock.advance(999);
  assert.deepEqual(await budgetIdsOf(ann, annsProject), []);
  clock.advance(1);
  assert.deepEqual([...(await budgetIdsOf(ann, annsProject))].sort(), ids);
  const before = database.queries;
  await Promise.all([budgetIdsOf(ann, annsProject), budgetIdsOf(ann, annsProject)]);
  assert.equal(database.queries, before);
});

test("a call is under the budget of the team that its project is in, and of no other team", async () => {
  const clock = new VirtualClock();
  const { budgetIdsOf } = payers({ db, clock });
  const [team, otherTeam] = [await teamOf(db, "usr_bob"), await teamOf(db, "usr_bob")];
  const budget = (id: number) =>
    createBudget(db, { scope: "team", scopeId: String(id), allocatedPico: 1n, period: "none" }, clock.now());
  const [ofTeam, ofOther] = [await budget(team), await budget(otherTeam)];
  const id = await newProject(db, "usr_bob", { team_id: team });
  const bob = principal({ userId: "usr_bob" });
  const teamBudgets = async (who: Principal) =>
    (await budgetIdsOf(who, id)).filter((one) => [ofTeam, ofOther].includes(one));
  assert.deepEqual(await teamBudgets(bob), [ofTeam]);
  assert.deepEqual(await teamBudgets(annBeside(keyOf("usr_bob", { projectId: id }))), [ofTeam]);
  await db.updateTable("projects").set({ team_id: otherTeam }).where("id", "=", id).execute();
  clock.advance(1_000);
  assert.deepEqual(await teamBudgets(bob), [ofOther]);
});

test("a failed look-up is not remembered", async () => {
  const database = watched(db);
  const { projectOf } = payers({ db: database.db, clock: new VirtualClock() });
  database.isDown = true;
  await assert.rejects(projectOf(ann, annsProject), { name: "StoreUnavailable" });
  database.isDown = false;
  assert.equal(await projectOf(ann, annsProject), annsProject);
});

test("an administrator's money rights are those of the key at hand, also within the second", async () => {
  const { projectOf } = fresh();
  const root = principal({ userId: "usr_bob", role: "admin" });
  assert.equal(await projectOf(root, annsProject), annsProject);
  const narrow = {
    ...root,
    key: grant({ ownerId: "usr_bob", ownerRole: "admin", scopes: ["inference:write"] }),
  };
  await assert.rejects(projectOf(narrow, annsProject), { code: "NOT_FOUND" });
  assert.equal(await projectOf(root, annsProject), annsProject);
});
