import assert from "node:assert/strict";
import { test } from "node:test";
import { userNamed } from "../identity/testing.ts";
import { VirtualClock } from "../lib/clock.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { assistantAnswers } from "./assistant.answer.ts";
import { eraseAnswers, findAnswer, keepAnswer } from "./assistant.cache.ts";
import type { Asker } from "./assistant.question.ts";

const skip = missing("postgres");
const clock = new VirtualClock();
const ann: Asker = { userId: "usr_ann", app: "app-shop", model: "m" };
const question = { items: [], message: "Hello" };
const answer = { reply: "Good day", citations: [], model: "m" };

test("processes that are asked the same at once ask once each, and know the answer from then on", {
  skip,
}, async () => {
  await using store = await testPostgres();
  const { db } = store;
  await userNamed(db, ann.userId);
  const end = { callId: "", provider: "test", model: "m", usage: undefined, costUsd: "0" };
  let calls = 0;
  const ai = {
    async generate() {
      calls += 1;
      return { ...end, text: "Good day" };
    },
    repeat: async () => end,
  };
  const processes = Array.from({ length: 4 }, () =>
    assistantAnswers({
      ...{ db, clock, cacheTtlMs: 60_000 },
      onTrouble: (error) => assert.fail(String(error)),
    }),
  );
  const asked = Array.from({ length: 40 }, (_, at) => processes[at % 4]!(ai, ann, question));
  for (const { reply } of await Promise.all(asked)) assert.equal(reply, "Good day");
  assert.ok(calls >= 1 && calls <= 4, `${calls} calls`);
  for (const ask of processes) assert.equal((await ask(ai, ann, question)).fromCache, true);
});

test("whoever is erased while an answer is being kept has none afterwards", { skip }, async () => {
  await using store = await testPostgres();
  const { db } = store;
  const user = await userNamed(db, "usr_ann");
  const digest = Buffer.alloc(32, 1);
  let keeping: Promise<void> | undefined;
  await db.transaction().execute(async (tx) => {
    await tx
      .updateTable("users")
      .set({ erased_at: new Date(0) })
      .where("id", "=", user)
      .execute();
    keeping = keepAnswer({ db, clock }, { digest, userId: user, ttlMs: 60_000 }, answer);
    await eraseAnswers(tx, user);
  });
  await keeping;
  assert.equal(await findAnswer({ db, clock }, digest), undefined);
});
