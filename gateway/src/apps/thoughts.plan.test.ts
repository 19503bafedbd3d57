import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { userNamed } from "../identity/testing.ts";
import { type TestStore, testStore } from "../store/testing.ts";
import { changeThought } from "./thoughts.change.ts";
import { refreshPlan } from "./thoughts.plan.ts";
import { findPlan } from "./thoughts.plans.ts";
import { deleteThought, eraseThoughts } from "./thoughts.store.ts";
import { enriched, noon, scripted, virtualClock } from "./thoughts.testing.ts";

const clock = virtualClock();
let store: TestStore;
let user: string;
let users = 0;
before(async () => {
  store = await testStore();
});
beforeEach(async () => {
  user = await userNamed(store.db, `usr_${++users}`);
});
after(() => store.close());

const refresh = (...answers: unknown[]) =>
  refreshPlan({ db: store.db, clock, ai: scripted(...answers).ai }, user);
const actionsOf = (...due: (string | null)[]) => ({
  actions: due.map((day, at) => ({ text: `Action ${at}`, due: day })),
});

test("a plan has the model's order and reasons; what it leaves out follows by the day it is due", async () => {
  const { actions } = await enriched(
    store.db,
    user,
    "Things",
    actionsOf(null, "2026-12-24", "2026-12-01", null),
  );
  const [a, b, c, d] = actions.map(({ id }) => id);
  const items = [
    { action_id: d, why: "It is quick." },
    { action_id: 4711, why: "There is no such action." },
    { action_id: a, why: "It is long." },
  ];
  const plan = await refresh({ items });
  assert.deepEqual(
    plan.items.map(({ actionId, why }) => [actionId, why]),
    [
      [d, "It is quick."],
      [a, "It is long."],
      [c, ""],
      [b, ""],
    ],
  );
  assert.deepEqual([plan.version, plan.orderedBy, plan.items[0]!.text], [1, "model", "Action 3"]);
  assert.deepEqual(await findPlan(store.db, user), plan);
});

test("of a model that talks nonsense, what is due first comes first", async () => {
  await enriched(store.db, user, "Things", actionsOf(null, "2026-12-24", "2026-12-01"));
  const plan = await refresh("First have a coffee.");
  assert.equal(plan.orderedBy, "due");
  assert.deepEqual(
    plan.items.map(({ text }) => text),
    ["Action 2", "Action 1", "Action 0"],
  );
});

test("without open actions no model is asked, and the plan is empty", async () => {
  const { ai, asked } = scripted();
  const plan = await refreshPlan({ db: store.db, clock, ai }, user);
  assert.deepEqual([plan.version, plan.items, asked.length], [1, [], 0]);
});

test("nobody's actions are planned but one's own", async () => {
  const other = await enriched(store.db, user, "Things", actionsOf(null));
  user = await userNamed(store.db, "usr_other");
  await enriched(store.db, user, "Mine", actionsOf(null));
  const plan = await refresh({ items: [{ action_id: other.actions[0]!.id, why: "x" }] });
  assert.equal(plan.items.length, 1);
  assert.notEqual(plan.items[0]!.actionId, other.actions[0]!.id);
});

test("what is done or deleted leaves the plan; the versions before stay for a while", async () => {
  const thought = await enriched(store.db, user, "Things", actionsOf(null, null));
  const gone = await enriched(store.db, user, "Gone", { actions: [{ text: "Gone", due: null }] });
  for (let version = 1; version <= 21; version++)
    assert.equal((await refresh({ items: [] })).version, version);
  await changeThought(
    store.db,
    user,
    thought.id,
    { actions: [{ id: thought.actions[0]!.id, done: true }] },
    noon,
  );
  await deleteThought(store.db, user, gone.id);
  const texts = async (version?: number) =>
    (await findPlan(store.db, user, version))?.items.map(({ text }) => text);
  assert.deepEqual(await texts(), ["Action 1"]);
  assert.deepEqual(await texts(2), ["Action 1"]);
  assert.equal(await texts(1), undefined);
});

test("erasing a person leaves no thought, no action and no plan of theirs", async () => {
  const other = user;
  await enriched(store.db, other, "Stays", actionsOf(null));
  user = await userNamed(store.db, "usr_erased");
  await enriched(store.db, user, "Goes", actionsOf(null));
  await refresh({ items: [] });
  assert.equal(await store.db.transaction().execute((tx) => eraseThoughts(tx, user)), 1);
  for (const table of ["thoughts", "thought_plans", "thought_plan_items"] as const) {
    const left = await store.db.selectFrom(table).select("user_id").where("user_id", "=", user).execute();
    assert.deepEqual(left, []);
  }
  const goes = store.db.selectFrom("thought_actions").innerJoin("thoughts", "thoughts.id", "thought_id");
  assert.equal((await goes.selectAll().where("user_id", "=", other).execute()).length, 1);
});
