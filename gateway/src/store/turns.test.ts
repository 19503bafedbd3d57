import assert from "node:assert/strict";
import test from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { isOutage } from "./outages.ts";
import { turns } from "./turns.ts";

test("turns are taken in the order they were asked for", async () => {
  const queue = turns(new VirtualClock());
  const order: number[] = [];
  const endFirst = await queue.take(10);
  const others = [1, 2, 3].map(async (caller) => {
    const end = await queue.take(10);
    order.push(caller);
    end();
  });
  assert.deepEqual(order, []);
  endFirst();
  await Promise.all(others);
  assert.deepEqual(order, [1, 2, 3]);
  (await queue.take(10))();
});

test("whoever loses patience is refused and skipped", async () => {
  const clock = new VirtualClock();
  const queue = turns(clock);
  const end = await queue.take(10);
  const impatient = assert.rejects(queue.take(10), isOutage);
  const patient = queue.take(20);
  clock.advance(10);
  await impatient;
  end();
  (await patient)();
});
