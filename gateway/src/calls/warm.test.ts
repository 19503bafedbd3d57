import assert from "node:assert/strict";
import { test } from "node:test";
import { priceBook } from "../costs/prices.ts";
import { grant, principal } from "../identity/testing.ts";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import type { Refusal } from "../providers/breakers.ts";
import type { Provider } from "../providers/provider.ts";
import { passing, scriptedProvider, turn } from "./testing.ts";
import { warm } from "./warm.ts";

const defaults = { input: "0.20", cachedInput: "0.05", output: "0.50" };
const book = priceBook({ operator: [], configured: [], defaults, unknown: "default" });

function warming(fields: Partial<Provider> = {}, refusal?: Refusal) {
  const clock = new VirtualClock();
  const { provider, wasAsked } = scriptedProvider(fields);
  const reported: string[] = [];
  const deps = {
    clock,
    chance: seededChance(1),
    routes: () => ({
      providers: new Map([["openai", provider]]),
      aliases: new Map(),
      fallback: provider,
      removed: new Set<string>(),
    }),
    prices: () => book,
    breakers: { admit: async () => refusal ?? passing((outcome) => void reported.push(outcome)) },
  };
  return { clock, reported, wasAsked, warm: (by = principal(), model?: string) => warm(deps, by, model) };
}

test("a provider is connected to and asked nothing, and its breaker learns nothing", async () => {
  let connected = 0;
  const { warm, wasAsked, reported } = warming({ connect: async () => void connected++ });
  await warm(undefined, "gpt-5.1");
  assert.deepEqual([connected, wasAsked(), reported], [1, false, ["neutral"]]);
});

test("a provider that takes its time does not keep the answer waiting", async () => {
  const { clock, warm } = warming({ connect: () => new Promise(() => {}) });
  const warmed = warm(undefined, "gpt-5.1");
  await turn();
  clock.advance(2_000);
  await warmed;
});

test("what a question would be refused with is told before it is asked", async () => {
  const open: Refusal = { kind: "refused", state: "open", retryAfterMs: 5, resetAtMs: 5 };
  await assert.rejects(warming({}, open).warm(undefined, "gpt-5.1"), { code: "PROVIDER_UNAVAILABLE" });
  await assert.rejects(warming().warm(undefined, "groq/llama"), { code: "MODEL_NOT_FOUND" });
  await assert.rejects(warming().warm(), { code: "VALIDATION_FAILED" });
  const narrow = principal({ key: grant({ allowedModels: ["gpt-4o"] }) });
  await assert.rejects(warming().warm(narrow, "gpt-5.1"), { code: "MODEL_NOT_ALLOWED" });
});
