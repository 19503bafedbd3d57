import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "../lib/clock.ts";
import { grantInOrder } from "./admission.ts";
import { type Patience, patience } from "./patience.ts";
import type { Reserved, ReserveRequest } from "./reserve.ts";
import { callOf } from "./testing.ts";

const BUDGET = 7;
const WAIT_MS = 20_000;

type Asked = { readonly need: bigint; readonly want: bigint; readonly budgetIds?: readonly number[] };

/** A budget in memory, with the rule that PostgreSQL keeps, and calls that spend after a while what they are told to. */
function till(allocated: bigint) {
  const clock = new VirtualClock();
  const money = { spent: 0n, reserved: 0n, most: 0n, asked: 0 };
  const reserve = async ({ call, needPico, wantPico }: ReserveRequest): Promise<Reserved> => {
    money.asked += 1;
    const request = { budgetIds: call.budgetIds, needPico, wantPico };
    const [admission] = grantInOrder(new Map([[BUDGET, allocated - money.spent - money.reserved]]), [
      request,
    ]);
    if (!admission!.granted) return { ...admission!, unspentPico: allocated - money.spent };
    if (call.budgetIds.length > 0) money.reserved += admission!.amountPico;
    money.most = [money.most, money.spent + money.reserved].reduce((a, b) => (a > b ? a : b));
    return { granted: true, call: { ...call, reservedPico: admission!.amountPico } };
  };
  const line: Patience = patience({ clock, reserve, waitMs: WAIT_MS });
  const settle = (reserved: bigint, spent: bigint, tells = true): void => {
    money.reserved -= reserved;
    money.spent += spent;
    if (tells) line.freed([BUDGET]);
  };
  const ask = ({ need, want, budgetIds = [BUDGET] }: Asked): Promise<Reserved> =>
    line.reserve({ call: callOf({ budgetIds }), needPico: need, wantPico: want });
  return { clock, money, ask, settle };
}

/** Lets everything happen that needs no time. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    clock.advance(10);
    await turns();
  }
}

test("a thousand calls at once spend the budget to its end and never pass it", async () => {
  const { clock, money, ask, settle } = till(1_000n);
  const outcomes = { granted: 0, refused: 0 };
  const calls = Array.from({ length: 1_000 }, async () => {
    const reserved = await ask({ need: 8n, want: 12n });
    if (!reserved.granted) {
      outcomes.refused += 1;
      return;
    }
    outcomes.granted += 1;
    clock.after(100, () => settle(reserved.call.reservedPico, 3n));
  });
  await pass(clock, 10_000);
  await Promise.all(calls);
  assert.ok(money.most <= 1_000n, `${money.most} of 1000`);
  assert.ok(money.spent > 1_000n - 8n, `${money.spent} of 1000`);
  assert.deepEqual(outcomes.granted + outcomes.refused, 1_000);
  assert.equal(money.reserved, 0n);
});

test("a call that the money can never hold is refused at once", async () => {
  const { ask, money } = till(100n);
  assert.equal((await ask({ need: 101n, want: 200n })).granted, false);
  assert.equal(money.asked, 1);
});

test("a call waits rather than being cut short while the money is there", async () => {
  const { clock, ask, settle } = till(100n);
  assert.equal((await ask({ need: 80n, want: 80n })).granted, true);
  const second = ask({ need: 10n, want: 60n });
  await pass(clock, 500);
  settle(80n, 5n);
  const reserved = await second;
  assert.equal(reserved.granted && reserved.call.reservedPico, 60n);
});

test("after a second it takes what there is", async () => {
  const { clock, ask } = till(100n);
  await ask({ need: 80n, want: 80n });
  const second = ask({ need: 10n, want: 60n });
  await pass(clock, 1_100);
  const reserved = await second;
  assert.equal(reserved.granted && reserved.call.reservedPico, 20n);
});

test("a call gets the rest of the budget when it wants more than is left", async () => {
  const { ask } = till(100n);
  const reserved = await ask({ need: 10n, want: 500n });
  assert.equal(reserved.granted && reserved.call.reservedPico, 100n);
});

test("money that nobody gives back is not waited for longer than allowed", async () => {
  const { clock, ask } = till(100n);
  await ask({ need: 100n, want: 100n });
  let refused = false;
  const second = ask({ need: 10n, want: 10n }).then(({ granted }) => {
    refused = !granted;
  });
  await pass(clock, WAIT_MS - 100);
  assert.equal(refused, false);
  await pass(clock, 200);
  await second;
  assert.equal(refused, true);
});

test("what another instance settles is noticed without a word", async () => {
  const { clock, ask, settle } = till(100n);
  await ask({ need: 100n, want: 100n });
  const second = ask({ need: 10n, want: 10n });
  await pass(clock, 200);
  settle(100n, 1n, false);
  await pass(clock, 100);
  assert.equal((await second).granted, true);
});

test("calls are served in the order in which they came", async () => {
  const { clock, ask, settle } = till(100n);
  await ask({ need: 100n, want: 100n });
  const served: number[] = [];
  const calls = Array.from({ length: 60 }, (_, index) =>
    ask({ need: 1n, want: 1n }).then(() => served.push(index)),
  );
  await pass(clock, 100);
  settle(100n, 0n);
  await pass(clock, 200);
  await Promise.all(calls);
  assert.deepEqual(
    served,
    served.toSorted((a, b) => a - b),
  );
});

test("a failure reaches the call that met it and no other", async () => {
  const clock = new VirtualClock();
  let asked = 0;
  const line = patience({
    clock,
    waitMs: WAIT_MS,
    async reserve({ call }) {
      asked += 1;
      if (asked === 1 || asked === 2) return { granted: false, budgetId: BUDGET, unspentPico: 50n };
      if (asked === 3) throw new Error("gone");
      return { granted: true, call: { ...call, reservedPico: 1n } };
    },
  });
  const request = { call: callOf({ budgetIds: [BUDGET] }), needPico: 1n, wantPico: 1n };
  const first = line.reserve(request);
  const second = line.reserve(request);
  const outcomes = Promise.allSettled([first, second]);
  await pass(clock, 500);
  const [one, two] = await outcomes;
  assert.deepEqual([one!.status, two!.status].toSorted(), ["fulfilled", "rejected"]);
});

test("a call is never refused for another's budget", async () => {
  const clock = new VirtualClock();
  const OTHER = 8;
  let room = 0n;
  const line = patience({
    clock,
    waitMs: WAIT_MS,
    async reserve({ call }) {
      if (call.budgetIds.includes(OTHER)) return { granted: false, budgetId: OTHER, unspentPico: 0n };
      if (room === 0n) return { granted: false, budgetId: BUDGET, unspentPico: 50n };
      room -= 1n;
      return { granted: true, call: { ...call, reservedPico: 1n } };
    },
  });
  const ask = (budgetIds: readonly number[]) =>
    line.reserve({ call: callOf({ budgetIds }), needPico: 1n, wantPico: 1n });
  const calls = Array.from({ length: 30 }, () => ask([BUDGET]));
  const both = ask([BUDGET, OTHER]);
  await pass(clock, 200);
  room = 30n;
  await pass(clock, 2_000);
  assert.deepEqual(new Set((await Promise.all(calls)).map(({ granted }) => granted)), new Set([true]));
  const refused = await both;
  assert.equal(!refused.granted && refused.budgetId, OTHER);
});

test("without patience a call takes what there is at once", async () => {
  const clock = new VirtualClock();
  const line = patience({
    clock,
    waitMs: 0,
    reserve: async ({ call, needPico }) =>
      needPico > 20n
        ? { granted: false, budgetId: BUDGET, unspentPico: 100n }
        : { granted: true, call: { ...call, reservedPico: 20n } },
  });
  const call = callOf({ budgetIds: [BUDGET] });
  assert.equal((await line.reserve({ call, needPico: 10n, wantPico: 60n })).granted, true);
  const refused = line.reserve({ call, needPico: 30n, wantPico: 60n });
  assert.equal((await refused).granted, false);
});

test("who waits when the process stops is sent away to try again", async () => {
  const clock = new VirtualClock();
  const line = patience({
    clock,
    waitMs: WAIT_MS,
    reserve: async () => ({ granted: false, budgetId: BUDGET, unspentPico: 100n }),
  });
  const request = { call: callOf({ budgetIds: [BUDGET] }), needPico: 1n, wantPico: 1n };
  const waiting = assert.rejects(line.reserve(request), { code: "OVERLOADED" });
  await pass(clock, 100);
  line.close();
  await pass(clock, 100);
  await waiting;
  await assert.rejects(line.reserve(request), { code: "OVERLOADED" });
});

test("whatever is asked and settled, the budget holds and every call is answered", async () => {
  const asked = fc.record({
    need: fc.bigInt(1n, 30n),
    more: fc.bigInt(0n, 40n),
    spends: fc.integer({ min: 0, max: 100 }),
    lasts: fc.integer({ min: 0, max: 3_000 }),
    tells: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(asked, { minLength: 1, maxLength: 40 }),
      fc.bigInt(1n, 200n),
      async (calls, allocated) => {
        const { clock, money, ask, settle } = till(allocated);
        const answers = calls.map(async ({ need, more, spends, lasts, tells }) => {
          const reserved = await ask({ need, want: need + more });
          if (!reserved.granted) return;
          const { reservedPico } = reserved.call;
          assert.ok(reservedPico >= need && reservedPico <= need + more);
          clock.after(lasts, () => settle(reservedPico, (reservedPico * BigInt(spends)) / 100n, tells));
        });
        for (let second = 0; second < 60; second++) {
          clock.advance(1_000);
          await turns();
        }
        await Promise.all(answers);
        assert.ok(money.most <= allocated);
      },
    ),
    { numRuns: 100 },
  );
});
