import assert from "node:assert/strict";
import { test } from "node:test";
import { userNamed } from "../identity/testing.ts";
import type { TollgateError } from "../lib/errors.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { changeThought, enrichThought } from "./thoughts.change.ts";
import { fitDrawn } from "./thoughts.drawn.ts";
import { refreshPlan } from "./thoughts.plan.ts";
import { eraseThoughts, findThought } from "./thoughts.store.ts";
import { drawn, enriched, kept, noon, scripted, virtualClock } from "./thoughts.testing.ts";

const skip = missing("postgres");
const clock = virtualClock();

test("plans that are made at once have versions of their own, without a gap", { skip }, async () => {
  await using store = await testPostgres();
  const { db } = store;
  const user = await userNamed(db, "usr_ann");
  const { actions } = await enriched(db, user, "Things", { actions: [{ text: "One", due: null }] });
  const items = [{ action_id: actions[0]!.id, why: "Now." }];
  const made = await Promise.all(
    Array.from({ length: 20 }, () => refreshPlan({ db, clock, ai: scripted({ items }).ai }, user)),
  );
  assert.deepEqual(
    made.map(({ version }) => version).toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, at) => at + 1),
  );
  for (const plan of made) assert.equal(plan.items[0]!.why, "Now.");
});

test("a thought that is read twice at once has each action once", { skip }, async () => {
  await using store = await testPostgres();
  const { db } = store;
  const user = await userNamed(db, "usr_ann");
  const thought = await kept(db, user, "Things");
  const fit = fitDrawn("Things", drawn({ actions: ["One", "Two"].map((text) => ({ text, due: null })) }));
  await Promise.all(Array.from({ length: 10 }, () => enrichThought(db, user, thought, fit, noon)));
  const { actions } = (await findThought(db, user, thought.id))!;
  assert.deepEqual(
    actions.map(({ text }) => text),
    ["One", "Two"],
  );
});

test("a text that is changed while a model reads the one before is marked as unread, in whatever order they end", {
  skip,
}, async () => {
  await using store = await testPostgres();
  const { db } = store;
  const user = await userNamed(db, "usr_ann");
  const fit = fitDrawn("Before", drawn({ title: "Before" }));
  for (let round = 0; round < 20; round++) {
    const thought = await kept(db, user, "Before");
    await Promise.all([
      enrichThought(db, user, thought, fit, noon),
      changeThought(db, user, thought.id, { text: "After" }, noon),
    ]);
    const { text, enriched: isRead } = (await findThought(db, user, thought.id))!;
    assert.deepEqual([text, isRead], ["After", false]);
  }
});

test("what somebody writes while they are being erased is not kept", { skip }, async () => {
  await using store = await testPostgres();
  const { db } = store;
  const user = await userNamed(db, "usr_ann");
  const written = await db.transaction().execute(async (tx) => {
    const nobody = { email_norm: "erased", erased_at: new Date(noon) };
    await tx.updateTable("users").set(nobody).where("id", "=", user).execute();
    const writing = kept(db, user, "Too late").catch((error: unknown) => error);
    await eraseThoughts(tx, user);
    return { writing };
  });
  assert.equal(((await written.writing) as TollgateError).code, "AUTH_INVALID");
  assert.deepEqual(await db.selectFrom("thoughts").select("id").execute(), []);
});
