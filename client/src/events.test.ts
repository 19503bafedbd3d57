import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTollgateError } from "./errors.parse.ts";
import { networkError } from "./errors.ts";
import { type Connect, type LiveEvent, liveEvents } from "./events.ts";
import { hurriedClock } from "./testing.ts";

const at = new Date(0).toISOString();
const event = (n: number): LiveEvent => ({ id: `e${n}`, type: "job.updated", at, data: {} });
const ready: LiveEvent = { id: null, type: "ready", at, data: { snapshot_needed: false } };
const lost = networkError("NETWORK_UNREACHABLE", "lost");

test("wherever the connection breaks, every event arrives once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }), async (lengths) => {
      const total = lengths.reduce((sum, length) => sum + length, 0) + 1;
      let connection = 0;
      const connect: Connect = async function* (since) {
        const length = lengths[connection++] ?? total;
        const first = since === undefined ? 0 : Number(since.slice(1)) + 1;
        yield ready;
        for (let n = first; n < Math.min(first + length, total); n++) yield event(n);
        throw lost;
      };
      const clock = hurriedClock();
      const seen: string[] = [];
      for await (const { id } of liveEvents({ connect, clock, random: () => 0 })) {
        if (id !== null) seen.push(id);
        if (seen.length === total) break;
      }
      assert.deepEqual(
        seen,
        Array.from({ length: total }, (_, n) => `e${n}`),
      );
    }),
    { numRuns: 50 },
  );
});

test("waits between connections double up to half a minute, and begin anew once something has arrived", async () => {
  let connection = 0;
  const controller = new AbortController();
  const connect: Connect = async function* () {
    if (++connection === 9) yield event(0);
    if (connection === 10) controller.abort();
    throw lost;
  };
  const clock = hurriedClock();
  const statuses: string[] = [];
  const onStatus = (status: string) => statuses.push(status);
  const events = liveEvents({ connect, clock, random: () => 0 }, { onStatus, signal: controller.signal });
  await events.next();
  assert.deepEqual(clock.waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  assert.equal((await events.next()).done, true);
  assert.equal(clock.waits[8], 500);
  assert.deepEqual(new Set(statuses), new Set(["reconnecting"]));
});

test("a refusal is thrown, and one that says when to come back is obeyed", async () => {
  const forbidden = parseTollgateError({ error: { code: "SCOPE_MISSING", message: "" } }, { status: 403 });
  const clock = hurriedClock();
  const busy = parseTollgateError("", { status: 503, headers: { "retry-after": "5" }, now: clock.now() });
  const thrown = [busy, forbidden];
  // biome-ignore lint/correctness/useYield: nothing arrives
  const connect: Connect = async function* () {
    throw thrown.shift();
  };
  await assert.rejects(
    liveEvents({ connect, clock, random: () => 0 }).next(),
    (error) => error === forbidden,
  );
  assert.deepEqual(clock.waits, [5_000]);
});

test("a signal ends the events, and a loop that is left ends the connection", async () => {
  let isOpen = false;
  const connect: Connect = async function* (_, signal) {
    isOpen = true;
    try {
      yield ready;
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(lost)));
    } finally {
      isOpen = false;
    }
  };
  const deps = { connect, clock: hurriedClock(), random: () => 0 };
  const controller = new AbortController();
  for await (const _ of liveEvents(deps, { signal: controller.signal }))
    setImmediate(() => controller.abort());
  assert.equal(isOpen, false);
  for await (const _ of liveEvents(deps)) break;
  assert.equal(isOpen, false);
  for await (const _ of liveEvents(deps, { signal: controller.signal })) assert.fail("it was aborted before");
});
