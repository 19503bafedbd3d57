import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { grantInOrder } from "./admission.ts";

test("a request gets what it wants where there is room", () => {
  const requests = [{ budgetIds: [1, 2], needPico: 10n, wantPico: 60n }];
  assert.deepEqual(
    grantInOrder(
      new Map([
        [1, 60n],
        [2, 100n],
      ]),
      requests,
    ),
    [{ granted: true, amountPico: 60n }],
  );
});

test("the last of the room goes to whom it is enough for", () => {
  const request = { budgetIds: [1], needPico: 30n, wantPico: 60n };
  assert.deepEqual(grantInOrder(new Map([[1, 100n]]), [request, request, request]), [
    { granted: true, amountPico: 60n },
    { granted: true, amountPico: 40n },
    { granted: false, budgetId: 1 },
  ]);
});

test("a refusal names the tightest budget and takes nothing from the others", () => {
  const rooms = new Map([
    [1, 100n],
    [2, 5n],
    [3, 7n],
  ]);
  const requests = [
    { budgetIds: [1, 3, 2], needPico: 10n, wantPico: 10n },
    { budgetIds: [1], needPico: 100n, wantPico: 100n },
  ];
  assert.deepEqual(grantInOrder(rooms, requests), [
    { granted: false, budgetId: 2 },
    { granted: true, amountPico: 100n },
  ]);
});

test("an unknown budget has no room", () => {
  const requests = [{ budgetIds: [1, 9], needPico: 0n, wantPico: 1n }];
  assert.deepEqual(grantInOrder(new Map([[1, 100n]]), requests), [{ granted: false, budgetId: 9 }]);
});

test("a budget that was overrun refuses even what is free", () => {
  const free = [{ budgetIds: [1], needPico: 0n, wantPico: 0n }];
  assert.deepEqual(grantInOrder(new Map([[1, -1n]]), free), [{ granted: false, budgetId: 1 }]);
  assert.deepEqual(grantInOrder(new Map([[1, 0n]]), free), [{ granted: true, amountPico: 0n }]);
});

test("a request without budgets gets all it wants", () => {
  const requests = [{ budgetIds: [], needPico: 1n, wantPico: 5n }];
  assert.deepEqual(grantInOrder(new Map(), requests), [{ granted: true, amountPico: 5n }]);
});

const rooms = fc
  .array(fc.bigInt({ min: -50n, max: 1_000n }), { minLength: 1, maxLength: 5 })
  .map((list) => new Map(list.map((room, id) => [id, room])));
const requests = fc.array(
  fc
    .tuple(
      fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 5 }),
      fc.bigInt(0n, 200n),
      fc.bigInt(0n, 300n),
    )
    .map(([budgetIds, needPico, more]) => ({ budgetIds, needPico, wantPico: needPico + more })),
  { maxLength: 20 },
);

test("whatever the order, no budget grants more than its room, and every grant lies between need and want", () => {
  fc.assert(
    fc.property(rooms, requests, (rooms, requests) => {
      const admissions = grantInOrder(rooms, requests);
      const taken = new Map<number, bigint>();
      for (const [index, admission] of admissions.entries()) {
        const { budgetIds, needPico, wantPico } = requests[index]!;
        if (!admission.granted) {
          const room = rooms.get(admission.budgetId);
          const left = room === undefined ? undefined : room - (taken.get(admission.budgetId) ?? 0n);
          assert.ok(budgetIds.includes(admission.budgetId) && (left === undefined || left < needPico));
          continue;
        }
        assert.ok(admission.amountPico >= needPico && admission.amountPico <= wantPico);
        for (const id of budgetIds) taken.set(id, (taken.get(id) ?? 0n) + admission.amountPico);
      }
      for (const [id, sum] of taken) assert.ok(sum <= rooms.get(id)! || sum === 0n);
    }),
    { numRuns: 2_000 },
  );
});
