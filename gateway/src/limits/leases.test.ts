import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dimension, NOON } from "./counters.contract.ts";
import { isLive, judgeLease, renewed, withoutLease } from "./leases.ts";
import type { State } from "./shapes.ts";

const moves = fc.array(
  fc.record({
    byMs: fc.integer({ min: 0, max: 900 }),
    kind: fc.constantFrom("begin", "begin", "begin", "end", "renew"),
    which: fc.nat(),
  }),
  { maxLength: 80 },
);

test("never more calls are in flight than the limit, and the announced wait is exact", () => {
  const sizes = fc.record({
    limit: fc.integer({ min: 0, max: 4 }),
    windowMs: fc.integer({ min: 1, max: 3_000 }),
  });
  fc.assert(
    fc.property(sizes, moves, (size, played) => {
      const inFlight = new Map<string, number>();
      let state: State | undefined;
      let now = NOON;
      for (const [i, { byMs, kind, which }] of played.entries()) {
        now += byMs;
        const known = [...inFlight.keys()][which % Math.max(1, inFlight.size)];
        const lease = dimension("k", {
          ...size,
          shape: "lease",
          lease: kind === "begin" ? `${i}` : (known ?? "-"),
        });
        for (const [id, endsAt] of inFlight) {
          assert.equal(isLive(state, { ...lease, lease: id }, now), endsAt > now);
          if (endsAt <= now) inFlight.delete(id);
        }
        if (kind === "begin") {
          const { judgement, write } = judgeLease(state, lease, now);
          if (write === undefined) {
            const { retryMs } = judgement;
            assert.equal(retryMs === -1, size.limit === 0);
            if (retryMs === -1) continue;
            assert.equal(judgeLease(state, lease, now + retryMs - 1).judgement.verdict, "exceeded");
            assert.equal(judgeLease(state, lease, now + retryMs).judgement.verdict, "fits");
            continue;
          }
          state = write.state;
          inFlight.set(`${i}`, now + size.windowMs);
        } else if (kind === "end") {
          state = withoutLease(state, lease);
          inFlight.delete(lease.lease!);
        } else if (isLive(state, lease, now)) {
          state = renewed(state, lease, now).state;
          inFlight.set(lease.lease!, now + size.windowMs);
        }
        assert.ok(inFlight.size <= size.limit);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("leases are stored until the last of them has ended", () => {
  const long = dimension("k", { shape: "lease", windowMs: 60_000, lease: "long" });
  const { state } = judgeLease(undefined, long, NOON).write!;
  const short = judgeLease(state, { ...long, windowMs: 10, lease: "short" }, NOON + 5).write!;
  assert.equal(short.ttlMs, 60_000 - 5 + 1_000);
  assert.equal(renewed(state, { ...long, windowMs: 90_000 }, NOON).ttlMs, 91_000);
});

test("a call that is admitted twice under one id has one place", () => {
  const call = dimension("k", { shape: "lease", limit: 2, lease: "a" });
  const { state } = judgeLease(undefined, call, NOON).write!;
  const again = judgeLease(state, call, NOON + 1).write!;
  assert.deepEqual(again.state.leases, [{ id: "a", expiresAt: NOON + 60_001 }]);
});
