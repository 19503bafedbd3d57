import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY_MS, VirtualClock } from "../lib/clock.ts";
import type { AppliedLimit } from "./admit.ts";
import { type QuotaCount, quotaMirror } from "./mirror.ts";

function quota(key: string): AppliedLimit {
  const base = { id: "key-day", scope: "key", shape: "dailyQuota", code: "QUOTA_EXCEEDED" } as const;
  return { ...base, key, limit: 100, windowMs: DAY_MS, cost: 1, capacity: 0 };
}

function mirrored() {
  const clock = new VirtualClock();
  const written: [key: string, day: string, used: number][][] = [];
  const state = { isUp: true, held: Promise.resolve() };
  const mirror = quotaMirror({
    clock,
    async write(counts: readonly QuotaCount[]) {
      await state.held;
      if (!state.isUp) throw new Error("connection refused");
      written.push(counts.map(({ limit, day, used }) => [limit.key, day, used]));
    },
  });
  const note = (key: string, day: string, used: number) => mirror.note({ limit: quota(key), day, used });
  const afterMs = async (ms: number) => {
    clock.advance(ms);
    await new Promise(setImmediate);
  };
  return { mirror, written, state, note, afterMs };
}

test("a second of calls is written once, as the newest counts", async () => {
  const { note, afterMs, written } = mirrored();
  note("a", "2026-01-01", 1);
  note("a", "2026-01-01", 3);
  note("a", "2026-01-01", 2);
  note("b", "2026-01-01", 7);
  await afterMs(999);
  assert.deepEqual(written, []);
  await afterMs(1);
  assert.deepEqual(written, [
    [
      ["a", "2026-01-01", 3],
      ["b", "2026-01-01", 7],
    ],
  ]);
  await afterMs(10_000);
  assert.equal(written.length, 1);
});

test("an older day never overwrites a newer one", async () => {
  const { note, afterMs, written } = mirrored();
  note("a", "2026-01-02", 1);
  note("a", "2026-01-01", 90);
  await afterMs(1_000);
  assert.deepEqual(written, [[["a", "2026-01-02", 1]]]);
});

test("a count that could not be written is written the next time, unless a newer one has come", async () => {
  const { note, afterMs, written, state } = mirrored();
  state.isUp = false;
  note("a", "2026-01-01", 4);
  note("b", "2026-01-01", 5);
  await afterMs(1_000);
  note("b", "2026-01-01", 6);
  state.isUp = true;
  await afterMs(1_000);
  assert.deepEqual(written, [
    [
      ["a", "2026-01-01", 4],
      ["b", "2026-01-01", 6],
    ],
  ]);
});

test("writes never overlap, and what comes during one is written by the next", async () => {
  const { note, afterMs, written, state } = mirrored();
  const { promise, resolve } = Promise.withResolvers<void>();
  state.held = promise;
  note("a", "2026-01-01", 1);
  await afterMs(1_000);
  note("a", "2026-01-01", 2);
  await afterMs(5_000);
  assert.deepEqual(written, []);
  resolve();
  await afterMs(0);
  await afterMs(1_000);
  assert.deepEqual(written, [[["a", "2026-01-01", 1]], [["a", "2026-01-01", 2]]]);
});

test("closing writes what is left, and says if that failed", async () => {
  const { mirror, note, afterMs, written, state } = mirrored();
  note("a", "2026-01-01", 1);
  state.isUp = false;
  await assert.rejects(mirror.close(), /connection refused/);
  state.isUp = true;
  await mirror.close();
  assert.deepEqual(written, [[["a", "2026-01-01", 1]]]);
  await afterMs(10_000);
  await mirror.close();
  assert.equal(written.length, 1);
});

test("closing waits for the write that is under way", async () => {
  const { mirror, note, afterMs, written, state } = mirrored();
  const { promise, resolve } = Promise.withResolvers<void>();
  state.held = promise;
  note("a", "2026-01-01", 1);
  await afterMs(1_000);
  const closed = mirror.close();
  resolve();
  await closed;
  assert.equal(written.length, 1);
});
