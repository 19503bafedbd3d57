import assert from "node:assert/strict";
import { test } from "node:test";
import { dimension, NOON, type Subject } from "./counters.contract.ts";
import type { Dimension } from "./limit.ts";

/** What memory and Redis both promise about calls in flight. `open` gives empty counters at `NOON`. */
export function leasesContract(open: () => Promise<Subject>): void {
  test("so many calls at once, and the next one when one of them ends", async () => {
    const { counters } = await open();
    const first = await counters.take([call("a")], true);
    assert.equal(first.judgements[0]?.remaining, 1);
    assert.equal((await counters.take([call("b")], true)).allowed, true);
    assert.deepEqual((await counters.take([call("c")], true)).judgements, [
      { verdict: "exceeded", remaining: 0, resetMs: 0, retryMs: 20_000 },
    ]);
    await counters.settle([call("a")], first, [1]);
    assert.equal((await counters.take([call("c")], true)).allowed, true);
    assert.equal((await counters.take([call("d")], true)).allowed, false);
  });

  test("a call whose process died holds its place until its lease ends, and no longer", async () => {
    const { counters, clock } = await open();
    await counters.take([call("a")], true);
    clock.advance(1_000);
    await counters.take([call("b")], true);
    clock.advance(18_999);
    assert.equal((await counters.take([call("c")], true)).judgements[0]?.retryMs, 1);
    clock.advance(1);
    assert.equal((await counters.take([call("c")], true)).allowed, true);
    assert.equal((await counters.take([call("d")], true)).judgements[0]?.retryMs, 1_000);
  });

  test("a limit that was lowered waits for as many calls as are too many", async () => {
    const { counters, clock } = await open();
    for (const id of ["a", "b", "c"]) {
      await counters.take([{ ...call(id), limit: 3 }], true);
      clock.advance(1_000);
    }
    const { judgements } = await counters.take([call("d")], true);
    assert.deepEqual(judgements, [{ verdict: "exceeded", remaining: 0, resetMs: 0, retryMs: 18_000 }]);
    assert.equal((await counters.take([{ ...call("d"), limit: 0 }], true)).judgements[0]?.retryMs, -1);
  });

  test("a renewed lease lasts, and one that has ended is not revived", async () => {
    const { counters, clock, stateOf } = await open();
    await counters.take([call("a")], true);
    clock.advance(19_999);
    assert.equal(await counters.renew(call("a")), true);
    assert.equal(await counters.renew(call("unknown")), false);
    clock.advance(19_999);
    assert.equal((await counters.take([call("b")], true)).judgements[0]?.remaining, 0);
    clock.advance(1);
    assert.equal(await counters.renew(call("a")), false);
    assert.equal((await counters.take([call("c")], true)).judgements[0]?.remaining, 0);
    const leases = [
      { id: "b", expiresAt: NOON + 59_998 },
      { id: "c", expiresAt: NOON + 59_999 },
    ];
    assert.deepEqual(await stateOf("parallel", "lease"), { since: 0, amount: 2, leases });
  });

  test("a clock that stepped back shortens no lease", async () => {
    const { counters, clock, stateOf } = await open();
    await counters.take([call("a")], true);
    clock.step(-5_000);
    assert.equal(await counters.renew(call("a")), true);
    assert.equal((await stateOf("parallel", "lease"))?.leases?.[0]?.expiresAt, NOON + 20_000);
  });

  test("settling twice changes nothing, nor does giving back what was settled", async () => {
    const { counters, stateOf } = await open();
    const limits = [call("a"), dimension("user", { limit: 9, cost: 2 }), tokens];
    const taken = await counters.take(limits, true);
    for (let i = 0; i < 3; i++) await counters.settle(limits, taken, [1, 3, 40]);
    await counters.giveBack(limits, taken);
    assert.equal((await stateOf("user", "window"))?.amount, 3);
    assert.equal((await stateOf("tokens", "bucket"))?.amount, 60);
    assert.equal(await stateOf("parallel", "lease"), undefined);
  });

  test("a call that outlived its lease is charged as reserved", async () => {
    const { counters, clock, stateOf } = await open();
    const limits = [call("a"), tokens];
    const taken = await counters.take(limits, true);
    clock.advance(20_000);
    await counters.settle(limits, taken, [1, 90]);
    assert.deepEqual(await stateOf("tokens", "bucket"), { since: NOON, amount: 90 });
  });

  test("of two leases one that is alive is enough to settle", async () => {
    const { counters, clock, stateOf } = await open();
    const short = { ...call("a"), key: "short", windowMs: 1_000 };
    const limits = [short, call("a"), tokens];
    const taken = await counters.take(limits, true);
    clock.advance(1_000);
    await counters.settle(limits, taken, [1, 1, 4]);
    assert.equal((await stateOf("tokens", "bucket"))?.amount, 97);
    assert.equal(await stateOf("short", "lease"), undefined);
  });

  test("a call given back frees its place and costs nothing", async () => {
    const { counters, stateOf } = await open();
    const limits = [call("a"), dimension("user")];
    await counters.giveBack(limits, await counters.take(limits, true));
    assert.equal(await stateOf("parallel", "lease"), undefined);
    assert.equal((await stateOf("user", "window"))?.amount, 0);
  });

  test("a hundred calls at once on a limit of 20: exactly 20 are under way", async () => {
    const { counters } = await open();
    const ids = Array.from({ length: 100 }, (_, i) => `call-${i}`);
    const taken = await Promise.all(ids.map((id) => counters.take([{ ...call(id), limit: 20 }], true)));
    assert.equal(taken.filter(({ allowed }) => allowed).length, 20);
  });

  test("a lease without an id is a mistake, not a call that shares its place", async () => {
    const { counters } = await open();
    const { lease: _, ...nameless } = call("a");
    await assert.rejects(counters.take([nameless], true), TypeError);
    assert.equal((await counters.take([{ ...nameless, cost: 0 }], false)).judgements[0]?.remaining, 2);
  });
}

const tokens = dimension("tokens", { shape: "bucket", limit: 60, capacity: 100, cost: 10 });

function call(id: string): Dimension {
  return dimension("parallel", { shape: "lease", limit: 2, windowMs: 20_000, lease: id });
}
