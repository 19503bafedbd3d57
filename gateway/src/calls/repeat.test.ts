import assert from "node:assert/strict";
import { test } from "node:test";
import type { Settlement } from "../costs/ledger.ts";
import { settlements } from "../costs/settle.ts";
import { storeForTests } from "../costs/testing.ts";
import { principal } from "../identity/testing.ts";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance, uuidv7 } from "../lib/ids.ts";
import { type Repeated, repeat } from "./repeat.ts";
import { turn } from "./testing.ts";

const store = await storeForTests();

function repeated(clock: VirtualClock, fields: Partial<Repeated> = {}): Repeated {
  return {
    principal: principal(),
    projectId: undefined,
    operation: "assist.chat",
    endpointClass: "assist",
    correlationId: "req_0123456789",
    callId: uuidv7(clock.now(), seededChance(1)),
    model: "gpt-5.1",
    ticket: { settle: async () => {}, giveBack: async () => true },
    startedAt: clock.monotonic(),
    ...fields,
  };
}

test("an answer given again is a row of the ledger and of the reports that used and cost nothing", async () => {
  const clock = new VirtualClock();
  const { settle } = settlements({
    db: store.db,
    clock,
    onSettled: () => {},
    onTrouble: (error) => assert.fail(String(error)),
  });
  await repeat({ clock, settle, onSettled: () => {} }, repeated(clock));
  const [row, ...others] = await store.db.selectFrom("prompt_runs").selectAll().execute();
  assert.deepEqual(others, []);
  const { operation, provider, model, outcome, status, usage_source, cost_pico, input_tokens } = row!;
  assert.deepEqual(
    { operation, provider, model, outcome, status, usage_source, cost_pico, input_tokens },
    {
      operation: "assist.chat",
      provider: "cache",
      model: "gpt-5.1",
      outcome: "completed",
      status: 200,
      usage_source: "reported",
      cost_pico: "0",
      input_tokens: null,
    },
  );
  const sums = await store.db.selectFrom("daily_costs").select(["provider", "calls", "cost_pico"]).execute();
  assert.deepEqual(sums, [{ provider: "cache", calls: 1, cost_pico: "0" }]);
});

test("its limits are told that it took no token, and a ledger that hangs holds it no longer than any call", async () => {
  const clock = new VirtualClock();
  const tokens: (number | undefined)[] = [];
  const settled: Settlement[] = [];
  let isAnswered = false;
  const answering = repeat(
    { clock, settle: () => new Promise(() => {}), onSettled: (settlement) => void settled.push(settlement) },
    repeated(clock, {
      ticket: { settle: async (came) => void tokens.push(came), giveBack: async () => true },
    }),
  ).then(() => {
    isAnswered = true;
  });
  await turn();
  assert.deepEqual([tokens, settled, isAnswered], [[0], [], false]);
  clock.advance(250);
  await answering;
});
