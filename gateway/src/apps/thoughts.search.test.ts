import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { userNamed } from "../identity/testing.ts";
import { type TestStore, testStore } from "../store/testing.ts";
import { searchThoughts } from "./thoughts.search.ts";
import { enriched, kept } from "./thoughts.testing.ts";

let store: TestStore;
before(async () => {
  store = await testStore();
});
after(() => store.close());

async function texts(userId: string, question: string, limit = 10): Promise<readonly string[]> {
  const ids = await searchThoughts(store.db, userId, question, limit);
  const rows = await store.db.selectFrom("thoughts").select(["id", "text"]).execute();
  return ids.map((id) => rows.find((row) => row.id === id)!.text);
}

test("a rare word counts more than those that every thought says", async () => {
  const ann = await userNamed(store.db, "usr_ann");
  for (const place of ["bank", "garden", "office"]) await kept(store.db, ann, `When I go to the ${place}`);
  await kept(store.db, ann, "Dentist: Dr. Žižka, in the Lange Straße");
  assert.deepEqual(await texts(ann, "When do I go to the dentist?", 1), [
    "Dentist: Dr. Žižka, in the Lange Straße",
  ]);
  assert.deepEqual(await texts(ann, "zizka"), ["Dentist: Dr. Žižka, in the Lange Straße"]);
});

test("endings and languages do not matter, and a tag is found like a word of the text", async () => {
  const eve = await userNamed(store.db, "usr_eve");
  await kept(store.db, eve, "We met in the garden");
  await kept(store.db, eve, "明日東京で会議");
  await enriched(store.db, eve, "Call Anna", { tags: ["birthday"] });
  assert.deepEqual(await texts(eve, "gardens"), ["We met in the garden"]);
  assert.deepEqual(await texts(eve, "東京"), ["明日東京で会議"]);
  assert.deepEqual(await texts(eve, "Which birthdays?"), ["Call Anna"]);
});

test("nobody finds another's thoughts, and nothing is found by no word", async () => {
  const [bob, joe] = [await userNamed(store.db, "usr_bob"), await userNamed(store.db, "usr_joe")];
  await kept(store.db, bob, "The secret garden");
  assert.deepEqual(await texts(joe, "garden"), []);
  assert.deepEqual(await texts(bob, "?!' | & <-> :*"), []);
  assert.deepEqual(await texts(bob, "O'garden | !secret"), ["The secret garden"]);
});
