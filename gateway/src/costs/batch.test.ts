import assert from "node:assert/strict";
import { test } from "node:test";
import { groupCommit } from "./batch.ts";

test("what arrives while a batch is in flight is the next batch", async () => {
  const sizes: number[] = [];
  const first = Promise.withResolvers<void>();
  const batch = groupCommit(async (items: readonly number[]) => {
    sizes.push(items.length);
    if (sizes.length === 1) await first.promise;
    return items.map((item) => item * 2);
  });
  const early = [batch.add(1), batch.add(2)];
  await turn();
  const later = [batch.add(3), batch.add(4), batch.add(5)];
  await turn();
  assert.deepEqual(sizes, [2]);
  first.resolve();
  assert.deepEqual(await Promise.all([...early, ...later]), [2, 4, 6, 8, 10]);
  assert.deepEqual(sizes, [2, 3]);
});

test("a batch has its greatest size", async () => {
  const sizes: number[] = [];
  const batch = groupCommit(async (items: readonly number[]) => {
    sizes.push(items.length);
    return items;
  }, 3);
  const answers = Array.from({ length: 8 }, (_, item) => batch.add(item));
  assert.deepEqual(await Promise.all(answers), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(sizes, [3, 3, 2]);
});

test("a failed batch fails its own items only", async () => {
  const batch = groupCommit(async (items: readonly string[]) => {
    if (items.includes("bad")) throw new Error("no");
    return items;
  }, 2);
  const answers = await Promise.allSettled([
    batch.add("a"),
    batch.add("bad"),
    batch.add("b"),
    batch.add("c"),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ["rejected", "rejected", "fulfilled", "fulfilled"],
  );
});

test("a drained batch has nothing waiting, and works on", async () => {
  let committed = 0;
  const batch = groupCommit(async (items: readonly number[]) => {
    await turn();
    committed += items.length;
    return items;
  }, 2);
  await batch.drain();
  for (let item = 0; item < 5; item++) batch.add(item);
  await batch.drain();
  assert.equal(committed, 5);
  assert.equal(await batch.add(9), 9);
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
