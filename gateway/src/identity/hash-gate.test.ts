import assert from "node:assert/strict";
import { test } from "node:test";
import { atMost, VirtualClock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { hashGate } from "./hash-gate.ts";

/** Work that begins when the gate lets it in and ends when it is told to. */
function works(count: number) {
  const begun: number[] = [];
  const work = Array.from({ length: count }, (_, index) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const run = () => {
      begun.push(index);
      return promise;
    };
    return { run, end: () => resolve(index), fail: () => reject(new Error("failed")) };
  });
  return { begun, work };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const isOverload = (error: unknown) => error instanceof TollgateError && error.code === "OVERLOADED";

test("of a burst two run, 32 wait in their order, and the rest is refused at once", async () => {
  const enter = hashGate({ running: 2, waiting: 32 });
  const { begun, work } = works(40);
  const answers = work.map(({ run }) => enter(run));
  const refused = answers.slice(34).map((answer) => assert.rejects(answer, isOverload));
  await Promise.all(refused);
  assert.deepEqual(begun, [0, 1]);
  for (let ended = 0; ended < 34; ended += 1) {
    work[ended]!.end();
    assert.equal(await answers[ended], ended);
    await turn();
    assert.equal(begun.length, Math.min(34, ended + 3));
  }
  assert.deepEqual(
    begun,
    Array.from({ length: 34 }, (_, index) => index),
  );
});

test("a caller that has gone frees no place: the work keeps it to its end", async () => {
  const enter = hashGate({ running: 1, waiting: 1 });
  const clock = new VirtualClock();
  const { begun, work } = works(3);
  const left = atMost(clock, 100, enter(work[0]!.run));
  const next = enter(work[1]!.run);
  clock.advance(100);
  await left;
  await assert.rejects(enter(work[2]!.run), isOverload);
  assert.deepEqual(begun, [0]);
  work[0]!.end();
  work[1]!.end();
  assert.equal(await next, 1);
});

test("work that fails gives its place back", async () => {
  const enter = hashGate({ running: 1, waiting: 1 });
  const { work } = works(1);
  const failing = enter(work[0]!.run);
  const next = enter(async () => "next");
  work[0]!.fail();
  await assert.rejects(failing, /failed/);
  assert.equal(await next, "next");
  await assert.rejects(
    enter(() => {
      throw new Error("at once");
    }),
    /at once/,
  );
  assert.equal(await enter(async () => "last"), "last");
});
