import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { spelledOut } from "../gateway/src/costs/catalogue.rules.ts";
import { catalogue } from "../gateway/src/costs/catalogue.ts";
import { costOf } from "../gateway/src/costs/cost.ts";
import { catalogueRowOf } from "../gateway/src/costs/prices.rows.ts";
import { PICO_PER_USD } from "../gateway/src/lib/money.ts";
import { cataloguePath, catalogueText } from "./catalogue.ts";

const source = await import("@pydantic/genai-prices").catch(() => undefined);
const withSource = { skip: source === undefined && "@pydantic/genai-prices is not installed: npm install" };
const NOW = Date.UTC(2026, 10, 1);

test("the price catalogue is what its script makes of its source", withSource, async () => {
  assert.equal(readFileSync(cataloguePath, "utf8"), await catalogueText(), "npm run catalogue");
});

const names = catalogue().models.flatMap((row) =>
  [row.model, ...spelledOut(row.match)].map((name) => ({ provider: row.provider, name })),
);
const suffixes = ["", "-2025-11-13", "-20251113", "-latest", "-preview", "-x"];

test("a name has the row, and a call the cost, that the catalogue's source gives it", withSource, () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.constantFrom(...suffixes),
      fc.integer({ min: 1, max: 600_000 }),
      fc.nat(600_000),
      fc.nat(100_000),
      ({ provider, name }, suffix, input, read, output) => {
        const cacheRead = Math.min(read, input);
        const providerId = provider === "xai" ? "x-ai" : provider;
        const usage = { input_tokens: input, cache_read_tokens: cacheRead, output_tokens: output };
        const theirs = source?.calcPrice(usage, name + suffix, { providerId, timestamp: new Date(NOW) });
        if (theirs === null || theirs === undefined || theirs.model_price.input_mtok === undefined) return;
        if (theirs.provider.id !== providerId || !theirs.provider.models.includes(theirs.model)) return;
        const ours = catalogueRowOf(provider, name + suffix, NOW);
        assert.equal(ours?.model, theirs.model.id);
        const tokens = { input, cacheRead, cacheWrite5m: 0, cacheWrite1h: 0, output, reasoning: 0 };
        const usd = Number(costOf(tokens, ours.price.rates)) / Number(PICO_PER_USD);
        assert.ok(
          Math.abs(usd - theirs.total_price) <= 1e-9 * theirs.total_price,
          `${usd} ${theirs.total_price}`,
        );
      },
    ),
    { numRuns: 3_000 },
  );
});
