import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededChance } from "../lib/ids.ts";
import { type AliasTarget, drawn } from "./aliases.ts";

const target = (model: string, order: number, weight: number): AliasTarget => ({
  model,
  order,
  weight,
  timeoutMs: undefined,
});
const targets = fc.array(
  fc.record({
    model: fc.string(),
    order: fc.integer({ min: 0, max: 3 }),
    weight: fc.integer({ min: 0, max: 9 }),
    timeoutMs: fc.constant(undefined),
  }),
  { maxLength: 8 },
);

test("every target is asked once at most, those of a lower order first", () => {
  fc.assert(
    fc.property(targets, fc.integer(), (some, seed) => {
      const order = drawn(some, seededChance(seed));
      assert.deepEqual(new Set(order), new Set(some));
      assert.equal(order.length, some.length);
      for (const [index, { order: place }] of order.entries()) {
        if (index > 0) assert.ok(order[index - 1]!.order <= place);
      }
    }),
  );
});

test("targets of one order are asked first as often as their weights say", () => {
  const chance = seededChance(7);
  const some = [target("a", 0, 3), target("b", 0, 1), target("idle", 0, 0)];
  const first = { a: 0, b: 0, idle: 0 } as Record<string, number>;
  for (let count = 0; count < 4_000; count++) first[drawn(some, chance)[0]!.model]! += 1;
  assert.equal(first.idle, 0);
  assert.ok(Math.abs(first.a! / 4_000 - 0.75) < 0.03, `${first.a} of 4000`);
});

test("a target of no weight is asked when all its equals have failed", () => {
  const order = drawn([target("spare", 0, 0), target("a", 0, 1), target("b", 0, 1)], seededChance(3));
  assert.equal(order.at(-1)!.model, "spare");
});
