import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { userNamed } from "../identity/testing.ts";
import { TollgateError } from "../lib/errors.ts";
import { type TestStore, testStore } from "../store/testing.ts";
import { changeThought } from "./thoughts.change.ts";
import { enrich } from "./thoughts.enrich.ts";
import { deleteThought, findThought } from "./thoughts.store.ts";
import { drawn, enriched, kept, noon, scripted, virtualClock } from "./thoughts.testing.ts";

const ann = "usr_ann";
let store: TestStore;
before(async () => {
  store = await testStore();
  await userNamed(store.db, ann);
});
after(() => store.close());

const clock = virtualClock();
const enrichedBy = async (text: string, ...answers: unknown[]) =>
  enrich({ db: store.db, clock, ai: scripted(...answers).ai }, ann, await kept(store.db, ann, text));

test("a thought is kept with what the model drew from it", async () => {
  const { thought, hint } = await enrichedBy(
    "Call Anna on Friday",
    drawn({
      title: "Calling Anna",
      tags: ["phone"],
      people: ["Anna"],
      dates: ["2026-11-27"],
      actions: [{ text: "Call Anna", due: "2026-11-27" }],
    }),
  );
  assert.equal(hint, undefined);
  const { id, actions, createdAt, updatedAt, ...rest } = thought;
  assert.deepEqual(rest, {
    ...{
      text: "Call Anna on Friday",
      source: null,
      title: "Calling Anna",
      tags: ["phone"],
      people: ["Anna"],
    },
    ...{ dates: ["2026-11-27"], enriched: true },
  });
  assert.deepEqual(actions, [{ id: actions[0]!.id, text: "Call Anna", done: false, due: "2026-11-27" }]);
  assert.deepEqual([createdAt.getTime(), updatedAt.getTime()], [noon, noon]);
  assert.deepEqual(await findThought(store.db, ann, id), thought);
});

test("whatever goes wrong with the model, the thought is kept as it was written, and says why", async () => {
  const failures = {
    BUDGET_EXCEEDED: new TollgateError("BUDGET_EXCEEDED", { budget: "user" }),
    PROVIDER_UNAVAILABLE: new TollgateError("PROVIDER_UNAVAILABLE", { retryAfterMs: 1 }),
    PROVIDER_TIMEOUT: new TollgateError("PROVIDER_TIMEOUT"),
    PROVIDER_FAILED: "I cannot help with that.",
  };
  for (const [code, answer] of Object.entries(failures)) {
    const { thought, hint } = await enrichedBy(`Kept through ${code}`, answer);
    assert.equal(hint?.code, code);
    assert.equal(thought.enriched, false);
    assert.equal((await findThought(store.db, ann, thought.id))?.text, `Kept through ${code}`);
  }
});

test("what fails for a reason of the house is not hidden", async () => {
  await assert.rejects(enrichedBy("Kept", new RangeError("a fault")), RangeError);
});

test("read again, a thought keeps what was done and the actions that are still there", async () => {
  const { id, actions } = await enriched(store.db, ann, "Three things", {
    actions: ["One", "Two", "Three"].map((text) => ({ text, due: null })),
  });
  const [one, two] = actions;
  await changeThought(store.db, ann, id, { actions: [{ id: one!.id, done: true }] }, noon);
  const thought = (await findThought(store.db, ann, id))!;
  const again = drawn({
    actions: [
      { text: "One", due: null },
      { text: "Two", due: "2026-12-01" },
      { text: "Four", due: null },
    ],
  });
  const { thought: after } = await enrich({ db: store.db, clock, ai: scripted(again).ai }, ann, thought);
  assert.deepEqual(after.actions.slice(0, 2), [
    { id: one!.id, text: "One", done: true, due: null },
    { id: two!.id, text: "Two", done: false, due: "2026-12-01" },
  ]);
  assert.deepEqual(
    after.actions.map(({ text }) => text),
    ["One", "Two", "Four"],
  );
});

test("what a model drew from a text that was changed meanwhile is not kept, nor for a thought that is gone", async () => {
  const thought = await kept(store.db, ann, "Before");
  await changeThought(store.db, ann, thought.id, { text: "After" }, noon);
  const deps = { db: store.db, clock, ai: scripted(drawn({ title: "Old" }), drawn()).ai };
  const { thought: after } = await enrich(deps, ann, thought);
  assert.deepEqual([after.text, after.title, after.enriched], ["After", null, false]);
  assert.ok(await deleteThought(store.db, ann, thought.id));
  assert.equal((await enrich(deps, ann, thought)).thought, thought);
  assert.equal(await findThought(store.db, ann, thought.id), undefined);
});
