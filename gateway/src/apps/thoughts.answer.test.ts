import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { userNamed } from "../identity/testing.ts";
import { TollgateError } from "../lib/errors.ts";
import { type TestStore, testStore } from "../store/testing.ts";
import { answerFromThoughts } from "./thoughts.answer.ts";
import { kept, scripted, virtualClock } from "./thoughts.testing.ts";

const ann = "usr_ann";
const clock = virtualClock();
let store: TestStore;
let dentist: number;
before(async () => {
  store = await testStore();
  await userNamed(store.db, ann);
  await userNamed(store.db, "usr_eve");
  dentist = (await kept(store.db, ann, "The dentist moved to\nLange Straße 5")).id;
  await kept(store.db, "usr_eve", "Eve's dentist is a secret");
});
after(() => store.close());

const ask = (question: string, ai: ReturnType<typeof scripted>["ai"]) =>
  answerFromThoughts({ db: store.db, clock, ai }, ann, question);

test("an answer cites the caller's own thoughts, and only what stands there", async () => {
  const [eves] = await store.db
    .selectFrom("thoughts")
    .select("id")
    .where("user_id", "=", "usr_eve")
    .execute();
  const citations = [
    { thought_id: dentist, quote: "moved to Lange Straße 5" },
    { thought_id: dentist, quote: "moved to Kurze Straße 5" },
    { thought_id: dentist, quote: " " },
    { thought_id: eves!.id, quote: "Eve's dentist" },
    { thought_id: 4711, quote: "The dentist" },
  ];
  const { ai, asked } = scripted({ answer: "In the Lange Straße.", citations });
  assert.deepEqual(await ask("Where is the dentist?", ai), {
    answer: "In the Lange Straße.",
    citations: [citations[0]],
  });
  const [system, thoughts, question] = asked[0]!.messages;
  assert.match(system!.content, /Today is Sunday, 2026-11-22/);
  assert.deepEqual(JSON.parse(thoughts!.content), {
    ...{ thought_id: dentist, written: "2026-11-22", text: "The dentist moved to\nLange Straße 5" },
  });
  assert.equal(question!.content, "Where is the dentist?");
});

test("where no thought fits, no model is asked", async () => {
  const { ai, asked } = scripted();
  const { answer, citations } = await ask("Zebra?", ai);
  assert.equal(answer, "None of your thoughts says anything about this.");
  assert.deepEqual(citations, []);
  assert.equal(asked.length, 0);
});

test("a model that answers plain text has answered, and cites nothing", async () => {
  const { ai } = scripted("Lange Straße");
  assert.deepEqual(await ask("dentist", ai), { answer: "Lange Straße", citations: [] });
});

test("what refuses the call refuses the question", async () => {
  const { ai } = scripted(new TollgateError("BUDGET_EXCEEDED", { budget: "user" }));
  await assert.rejects(ask("dentist", ai), { code: "BUDGET_EXCEEDED" });
});
