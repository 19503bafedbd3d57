import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { userNamed, watched } from "../identity/testing.ts";
import { VirtualClock } from "../lib/clock.ts";
import type { Ai } from "../plugin.ts";
import { testStore } from "../store/testing.ts";
import { assistantAnswers } from "./assistant.answer.ts";
import { eraseAnswers, sweepAnswers } from "./assistant.cache.ts";
import type { Question } from "./assistant.fields.ts";
import type { Asker } from "./assistant.question.ts";

const store = await testStore();
after(() => store.close());
beforeEach(async () => {
  await store.db.deleteFrom("assistant_answers").execute();
  await store.db.deleteFrom("users").execute();
  for (const id of ["usr_ann", "usr_bob"]) await userNamed(store.db, id);
});

const ann: Asker = { userId: "usr_ann", app: "app-shop", model: "m" };
const question: Question = { items: [{ itemId: "1", title: "Lamp" }], message: "Is it red?" };
const citations = [{ itemId: "1", quote: "It is." }];
const IT_IS = JSON.stringify({ reply: "It is.", citations });

/** An assistant that asks a model which says `text` as soon as `opened`, and what becomes of its calls. */
function asking(
  options: { text?: string; ttlMs?: number; opened?: Promise<void>; db?: typeof store.db } = {},
) {
  const { text = IT_IS, ttlMs: cacheTtlMs = 300_000, opened, db = store.db } = options;
  const clock = new VirtualClock();
  const calls: string[] = [];
  const troubles: unknown[] = [];
  const end = { callId: "", provider: "test", model: "m-1", usage: undefined, costUsd: "0" };
  const ai: Pick<Ai, "generate" | "repeat"> = {
    async generate() {
      calls.push("generate");
      await opened;
      return { ...end, text };
    },
    async repeat({ model }) {
      calls.push(`repeat ${model}`);
      return end;
    },
  };
  const answer = assistantAnswers({ db, clock, cacheTtlMs, onTrouble: (error) => void troubles.push(error) });
  const ask = (by: Partial<Asker> = {}, asked: Partial<Question> = {}, as: typeof ai = ai) =>
    answer(as, { ...ann, ...by }, { ...question, ...asked });
  return { clock, calls, troubles, ai, ask };
}

test("a question asked again is answered without asking the model, as long as answers are kept", async () => {
  const { ask, calls, clock } = asking();
  assert.deepEqual(await ask(), { reply: "It is.", citations, fromCache: false });
  clock.advance(299_999);
  assert.deepEqual(await ask(), { reply: "It is.", citations, fromCache: true });
  clock.advance(1);
  assert.deepEqual((await ask()).fromCache, false);
  assert.deepEqual(calls, ["generate", "repeat m-1", "generate"]);
});

test("what one user was answered, no other user is, nor through another app, nor by another model", async () => {
  const { ask, calls } = asking();
  await ask();
  for (const by of [{ userId: "usr_bob" }, { app: "app-other" }, { model: "other" }]) {
    assert.equal((await ask(by)).fromCache, false);
  }
  assert.equal(calls.length, 4);
});

test("where answers are not kept, every question is asked", async () => {
  const { ask, calls } = asking({ ttlMs: 0 });
  await Promise.all([ask(), ask()]);
  assert.deepEqual(calls, ["generate", "generate"]);
  assert.deepEqual(await store.db.selectFrom("assistant_answers").selectAll().execute(), []);
});

test("the same question asked at once is one call, and a cheap answer for everybody else who asked it", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const { ask, calls } = asking({ opened });
  const answering = Array.from({ length: 10 }, () => ask());
  open();
  const answers = await Promise.all(answering);
  assert.equal(answers.filter(({ fromCache }) => !fromCache).length, 1);
  assert.deepEqual(calls.toSorted(), ["generate", ...Array.from({ length: 9 }, () => "repeat m-1")]);
});

test("whoever waited for somebody who got no answer asks for themselves", async () => {
  const { ask, ai, calls } = asking();
  const first = ask({}, {}, { ...ai, generate: () => Promise.reject(new Error("the client left")) });
  const second = ask();
  await assert.rejects(first, /the client left/);
  assert.equal((await second).fromCache, false);
  assert.deepEqual(calls, ["generate"]);
});

test("any text that a model writes comes back as it was", async () => {
  for (const reply of ["nul \0 inside", "half \ud83d a smile", 'quotes " and \\ and \u2028 inside']) {
    const { ask } = asking({ text: JSON.stringify({ reply, citations: [] }) });
    assert.equal((await ask({}, { message: reply })).reply, reply);
    assert.deepEqual(await ask({}, { message: reply }), { reply, citations: [], fromCache: true });
  }
});

test("an empty answer is not given again", async () => {
  const { ask, calls } = asking({ text: " " });
  await ask();
  await ask();
  assert.deepEqual(calls, ["generate", "generate"]);
});

test("a cache that does not answer is reported, and the model is asked", async () => {
  const watch = watched(store.db);
  const { ask, calls, troubles } = asking({ db: watch.db });
  watch.isDown = true;
  assert.equal((await ask()).fromCache, false);
  assert.deepEqual([calls, troubles.length], [["generate"], 2]);
});

test("neither question nor items stand in the database, and what is over or erased is gone", async () => {
  const { ask, clock } = asking();
  const rows = () => store.db.selectFrom("assistant_answers").selectAll().execute();
  await ask();
  await ask({ userId: "usr_bob" });
  assert.ok(!JSON.stringify(await rows()).match(/Lamp|Is it red/));
  await store.db.transaction().execute((tx) => eraseAnswers(tx, "usr_ann"));
  assert.deepEqual(
    (await rows()).map(({ user_id }) => user_id),
    ["usr_bob"],
  );
  clock.advance(300_000);
  await sweepAnswers({ db: store.db, clock });
  assert.deepEqual(await rows(), []);
});

test("nothing is kept for whoever was erased while the model was asked", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const { ask } = asking({ opened });
  const answering = ask();
  await store.db
    .updateTable("users")
    .set({ erased_at: new Date(0) })
    .where("id", "=", "usr_ann")
    .execute();
  open();
  await answering;
  assert.deepEqual(await store.db.selectFrom("assistant_answers").selectAll().execute(), []);
});
