import assert from "node:assert/strict";
import { after, test } from "node:test";
import { settlements } from "../../costs/settle.ts";
import { callOf, noTrouble, settlementOf } from "../../costs/testing.ts";
import type { RepricingJson } from "../../http/routes/reprice.ts";
import { uuidv7 } from "../../lib/ids.ts";
import { testStore } from "../../store/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const deps = commandDeps(store.db, 1);
const { clock, chance } = deps;

const run = (input: object) => runDataCommand(deps, "prices reprice", input) as Promise<RepricingJson>;
const shown = (result: object) => shownBy("prices reprice", result).text;
const period = { from: "2026-01-01", to: "2026-01-31", reason: "corrected" };

test("past calls are priced again, after a dry run that says what would be", async () => {
  const { settle } = settlements({ db: store.db, clock, onSettled: () => {}, onTrouble: noTrouble });
  const createdAtMs = clock.now();
  const call = callOf({ id: uuidv7(createdAtMs, chance), createdAtMs });
  await settle(settlementOf({ ...call, reservedPico: 0n }));
  const foretold = await run({ ...period, dryRun: true });
  assert.equal(
    shown(foretold),
    "1 calls: 1 would be adjusted by 0.001239999 USD, 0 left as nobody reported what they used.",
  );
  const done = await run({ ...period, provider: "openai", model: "gpt-5*" });
  assert.deepEqual(done, { ...foretold, dry_run: false });
  assert.match(shown(await run(period)), /^1 calls: 0 adjusted by 0 USD/);
});

test("a dry run of many days in steps finds what one step finds, and says how far it is", async () => {
  let ticks = 0;
  // Every look at the clock is two seconds later: a step is one day.
  const hurried: typeof clock = Object.create(clock, { monotonic: { value: () => (ticks += 2_000) } });
  const dryRun = { ...period, to: "2026-01-03", dryRun: true };
  const progress: number[] = [];
  let result: object = {};
  for (let next: object | undefined = dryRun; next !== undefined; ) {
    result = await runDataCommand(
      { ...deps, clock: hurried },
      "prices reprice",
      JSON.parse(JSON.stringify(next)),
    );
    const step = shownBy("prices reprice", result);
    next = step.next;
    if (step.progress !== undefined) progress.push(step.progress.done / step.progress.total!);
  }
  assert.deepEqual(progress, [1 / 3, 2 / 3]);
  assert.deepEqual(result, await run(dryRun));
});

test("what is no period is a fault of its field", async () => {
  await assert.rejects(run({ ...period, to: "2025-01-01" }), UsageError);
  await assert.rejects(run({ from: period.from, to: period.to }), UsageError);
});
