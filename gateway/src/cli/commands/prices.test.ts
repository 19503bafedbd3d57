import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { DriftJson } from "../../http/drift-json.ts";
import type { PriceJson } from "../../http/price-json.ts";
import { testStore } from "../../store/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const deps = commandDeps(store.db, 1);

const run = <Result>(name: string, input: object = {}) =>
  runDataCommand(deps, name, input) as Promise<Result>;
const shown = (name: string, result: object) => shownBy(name, result).text;
type List = { readonly items: readonly PriceJson[] };

test("a price is set, listed and shown", async () => {
  const set = await run<PriceJson>("prices set", { model: "OpenAI/gpt-5.1", input: "1.25", output: "10" });
  assert.deepEqual(
    [set.provider, set.source, set.input_usd, set.cached_input],
    ["openai", "operator", "1.25", 1.25],
  );
  assert.equal(
    shown("prices set", set),
    "openai/gpt-5.1 costs 1.25 in, 1.25 cached and 10 out from 2026-01-01T00:00:00.000Z on.",
  );
  const list = await run<List>("prices list", { provider: "openai" });
  assert.ok(list.items.every(({ provider }) => provider === "openai"));
  assert.match(
    shown("prices list", list),
    /openai\/gpt-5\.1 +1\.25 +1\.25 +1\.25 +1\.25 +10 +- +operator +2026/,
  );
});

test("a price is set for a pattern of models, with what other service tiers cost", async () => {
  const serviceTiers = "priority=2.50/0.25/20,flex=0.625/5";
  const set = await run<PriceJson>("prices set", {
    model: "openai/gpt-7*",
    input: "1.25",
    output: "10",
    serviceTiers,
  });
  const { priority, flex } = set.service_tiers;
  assert.deepEqual(
    [set.model, priority?.input_usd, priority?.cached_input_usd, priority?.output_usd],
    ["gpt-7*", "2.5", "0.25", "20"],
  );
  assert.deepEqual([flex?.input_usd, flex?.cached_input_usd, flex?.output], ["0.625", "0.625", 5]);
});

test("drift is shown by unit, and goes when the catalogue's price is adopted", async () => {
  const before = await run<DriftJson>("prices drift");
  const text = shown("prices drift", before);
  assert.match(text, /^The catalogue is @pydantic\/genai-prices 0\.1\.8, -?\d+ days old\./);
  assert.match(text, /google\/gemini-2\.5-flash +shipped +output +0\.3 +2\.5 +0\.12 +red +0/);
  const adopted = await run<PriceJson>("prices adopt", { model: "google/gemini-2.5-flash" });
  assert.deepEqual([adopted.input_usd, adopted.output_usd], ["0.3", "2.5"]);
  assert.deepEqual(await run("prices adopt", { model: "google/gemini-2.5-flash" }), adopted);
  const { items } = await run<DriftJson>("prices drift");
  assert.equal(items.find(({ model }) => model === "gemini-2.5-flash")?.severity, "ok");
});

test("what is no price and no model is a fault of its field", async () => {
  for (const [name, input] of [
    ["prices set", { model: "gpt-5.1", input: "1", output: "1" }],
    ["prices set", { model: "openai/gpt-5.1", input: "cheap", output: "1" }],
    ["prices set", { model: "openai/gpt-5.1", input: "1" }],
    ["prices set", { model: "openai/gpt-5.1", input: "1", output: "1", effectiveFrom: "soon" }],
    ["prices set", { model: "openai/a*b*c*d*", input: "1", output: "1" }],
    ["prices set", { model: "openai/gpt-5.1", input: "1", output: "1", serviceTiers: "flex=1" }],
    ["prices set", { model: "openai/gpt-5.1", input: "1", output: "1", serviceTiers: "flex" }],
    ["prices set", { model: "openai/gpt-5.1", input: "1", output: "1", serviceTiers: "flex=1/2/3/4" }],
    ["prices adopt", { model: "openai/unheard-of" }],
    ["prices adopt", { model: "openai/gpt-5*" }],
  ] as const) {
    await assert.rejects(run(name, input), UsageError, JSON.stringify(input));
  }
});
