import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import { settlements } from "../../costs/settle.ts";
import { callOf, noTrouble, settlementOf, usageOf } from "../../costs/testing.ts";
import { systemClock } from "../../lib/clock.ts";
import { type Json, newCaller } from "./access.testing.ts";

let app: TestApp;
before(async () => {
  app = await testApp();
});
after(() => app.close());

test("suggestions come from the caller's own calls, at the prices of now, with their figures", async () => {
  const [ann, bob] = [await newCaller(app, "usr_ann"), await newCaller(app, "usr_bob")];
  const { settle } = settlements({
    db: app.store.db,
    clock: systemClock,
    onSettled: () => {},
    onTrouble: noTrouble,
  });
  for (let call = 0; call < 20; call++) {
    const made = callOf({ provider: "anthropic", model: "claude-sonnet-4" });
    const usage = usageOf({ input: 1_000, output: 100 });
    await settle(settlementOf({ ...made, reservedPico: 0n }, { usage, costPico: 4_500_000_000n }));
  }
  const { json } = await ann("GET", "/costs/suggestions");
  // Haiku: 1,000 × 0.25 + 100 × 1.25 = 375 µUSD a call, in place of 4,500.
  assert.deepEqual(json, {
    items: [
      {
        kind: "cheaper_model",
        operation: "chat",
        model: "anthropic/claude-sonnet-4",
        suggested_model: "anthropic/claude-haiku-4.5",
        saving: 0.0825,
        saving_usd: "0.0825",
        basis: {
          period_days: 30,
          calls: 20,
          cost_usd: "0.09",
          input_tokens: 20_000,
          cached_input_tokens: 0,
          output_tokens: 2_000,
          compared_calls: 20,
        },
      },
    ],
    next_cursor: null,
  } satisfies Json);
  assert.deepEqual((await bob("GET", "/costs/suggestions")).json, { items: [], next_cursor: null });
});
