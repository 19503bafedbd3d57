import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import { systemClock } from "../../lib/clock.ts";
import { startSimulatedServer } from "../../providers/simulated.server.ts";
import { auditOf, type Caller, type Json, newCaller } from "./access.testing.ts";

const upstream = await startSimulatedServer({ port: 0 });
let app: TestApp;
let boss: Caller;
let ann: Caller;

before(async () => {
  app = await testApp(
    {
      KEY_RATE_LIMIT_PER_MINUTE: "",
      IP_RATE_LIMIT_PER_MINUTE: "",
      OPENAI_API_KEY: "sk-upstream",
      OPENAI_BASE_URL: upstream.baseUrl,
    },
    { prices: { "house/tiny": { input: "0.01", output: "0.02" } } },
  );
  boss = await newCaller(app, "usr_boss", "admin");
  ann = await newCaller(app, "usr_ann");
});
after(async () => {
  await app.close();
  await upstream.close();
});

const refused = (answered: { status: number; json: Json }, status: number, code: string) =>
  assert.deepEqual([answered.status, answered.json.code], [status, code]);

async function allPrices(): Promise<readonly Json[]> {
  const items: Json[] = [];
  for (let cursor = ""; ; ) {
    const { json } = await ann("GET", `/prices?limit=100${cursor}`);
    items.push(...(json.items as Json[]));
    if (json.next_cursor === null) return items;
    cursor = `&cursor=${json.next_cursor}`;
  }
}

async function priceNamed(provider: string, model: string): Promise<Json | undefined> {
  return (await allPrices()).find((item) => item.provider === provider && item.model === model);
}

/** Price source, price and cost of the last call in the ledger. */
async function lastCall(): Promise<Json> {
  const columns = ["price_source", "price_id", "rates", "cost_pico", "usage"] as const;
  const row = await app.store.db.selectFrom("prompt_runs").select(columns).orderBy("id", "desc").limit(1);
  return (await row.executeTakeFirstOrThrow()) as unknown as Json;
}

test("the prices in force are listed page by page, exactly, and with where they come from", async () => {
  const items = await allPrices();
  const names = items.map(({ provider, model }) => `${provider}/${model}`);
  assert.deepEqual(names, names.toSorted());
  const sources = new Set(items.map(({ source }) => source));
  assert.deepEqual([...sources].toSorted(), ["catalogue", "configured", "default", "shipped"]);
  const { service_tiers, ...standard } = (await priceNamed("openai", "gpt-5.1"))!;
  assert.deepEqual(Object.keys(service_tiers as Json), ["batch", "flex", "priority", "fast"]);
  assert.equal(((service_tiers as Json).priority as Json).input_usd, "20");
  assert.deepEqual(standard, {
    provider: "openai",
    model: "gpt-5.1",
    input: 10,
    input_usd: "10",
    cached_input: 1,
    cached_input_usd: "1",
    cache_write_5m: 10,
    cache_write_5m_usd: "10",
    cache_write_1h: 10,
    cache_write_1h_usd: "10",
    output: 30,
    output_usd: "30",
    tiers: [],
    source: "shipped",
    price_id: "openai/gpt-5.1",
    effective_from: null,
  });
  const audio = (await priceNamed("openai", "gpt-audio"))!;
  assert.deepEqual([audio.audio_input_usd, audio.audio_output, audio.image_input], ["32", 64, undefined]);
  const long = (await priceNamed("google", "gemini-2.5-pro"))!.tiers as Json[];
  assert.deepEqual(
    long.map((tier) => [tier.above_input_tokens, tier.input_usd, tier.output]),
    [[200_000, "2.5", 15]],
  );
});

test("a model of the catalogue is charged at its price there, and the ledger names its version", async () => {
  const key = await app.key();
  assert.equal((await app.chat(key, { model: "gpt-4o-mini", max_tokens: 5 })).status, 200);
  const { price_source, price_id, rates } = await lastCall();
  assert.deepEqual([price_source, price_id], ["catalogue", "catalogue:0.1.8:openai/gpt-4o-mini"]);
  assert.deepEqual([(rates as Json).input, (rates as Json).cachedInput], ["150000", "75000"]);
});

test("a new price counts from the next call on, and never for those before", async () => {
  const key = await app.key();
  const call = async () => {
    assert.equal((await app.chat(key, { model: "openai/made-up", max_tokens: 5 })).status, 200);
    const { price_source, cost_pico, usage } = await lastCall();
    return { source: price_source, cost: BigInt(String(cost_pico)), usage: usage as Record<string, number> };
  };
  const before = await call();
  assert.equal(before.source, "default");
  const made = await boss("PUT", "/prices/OpenAI/made-up", {
    input: 2,
    cached_input: "0.000001",
    output: "7.5",
  });
  assert.deepEqual(
    [made.status, made.json.provider, made.json.source, made.json.cached_input_usd, made.json.output],
    [200, "openai", "operator", "0.000001", 7.5],
  );
  const { source, cost, usage } = await call();
  assert.equal(source, "operator");
  const plain = BigInt(usage.input! - usage.cacheRead!);
  const expected = plain * 2_000_000n + BigInt(usage.cacheRead!) + BigInt(usage.output!) * 7_500_000n;
  assert.equal(cost, expected);
  const rows = await app.store.db
    .selectFrom("prompt_runs")
    .select("cost_pico")
    .where("model", "=", "made-up")
    .orderBy("id")
    .execute();
  assert.equal(BigInt(rows[0]!.cost_pico), before.cost);
});

test("a price from a later time on is kept until then, and is in the audit log with what was before", async () => {
  const later = new Date(systemClock.now() + 86_400_000).toISOString();
  const made = await boss("PUT", "/prices/openai/gpt-5.1", { input: "9", output: 29, effective_from: later });
  assert.deepEqual([made.status, made.json.effective_from], [200, later]);
  assert.equal((await priceNamed("openai", "gpt-5.1"))?.source, "shipped");
  const entry = (await auditOf(app)).findLast(({ action }) => action === "price.change")!;
  assert.deepEqual([entry.by, entry.target], ["usr_boss", "price openai/gpt-5.1"]);
  const { service_tiers, ...others } = entry.changes as Json;
  assert.deepEqual((service_tiers as Json[])[1], {});
  assert.deepEqual(others, {
    source: ["shipped", "operator"],
    input: ["10", "9"],
    cached_input: ["1", "9"],
    cache_write_5m: ["10", "9"],
    cache_write_1h: ["10", "9"],
    output: ["30", "29"],
    effective_from: [null, later],
  });
});

test("drift is shown, and one action adopts the catalogue's price, once", async () => {
  const driftOf = async (model: string) => {
    const { json } = await boss("GET", "/prices/drift");
    return (json.items as Json[]).find((item) => item.model === model)!;
  };
  const { severity, catalogue_id, units } = await driftOf("grok-4-1-fast");
  assert.deepEqual([severity, catalogue_id], ["red", "catalogue:0.1.8:xai/grok-4-1-fast-reasoning"]);
  const input = (units as Json[]).find(({ unit }) => unit === "input");
  assert.deepEqual(input, {
    unit: "input",
    above_input_tokens: 0,
    price: 5,
    price_usd: "5",
    catalogue: 0.2,
    catalogue_usd: "0.2",
    ratio: 25,
    severity: "red",
  });
  const first = await boss("POST", "/prices/xai/grok-4-1-fast/adopt");
  assert.deepEqual(
    [
      first.status,
      first.json.source,
      first.json.input_usd,
      first.json.cached_input_usd,
      first.json.output_usd,
    ],
    [200, "operator", "0.2", "0.05", "0.5"],
  );
  const entries = (await auditOf(app)).length;
  const rows = await app.store.db.selectFrom("prices").select("id").execute();
  const [second, third] = await Promise.all([
    boss("POST", "/prices/xai/grok-4-1-fast/adopt"),
    boss("POST", "/prices/xai/grok-4-1-fast/adopt"),
  ]);
  assert.deepEqual([second.json, third.json], [first.json, first.json]);
  assert.equal((await auditOf(app)).length, entries);
  assert.equal((await app.store.db.selectFrom("prices").select("id").execute()).length, rows.length);
  assert.equal((await driftOf("grok-4-1-fast")).severity, "ok");
  const entry = (await auditOf(app)).findLast(({ action }) => action === "price.change")!;
  assert.equal(entry.reason, "adopted catalogue:0.1.8:xai/grok-4-1-fast-reasoning");
});

test("an adopted price keeps what long calls and cache writes cost", async () => {
  await boss("PUT", "/prices/anthropic/claude-sonnet-4-5", { input: 1, output: 1 });
  const { json } = await boss("POST", "/prices/anthropic/claude-sonnet-4-5/adopt");
  assert.deepEqual(
    [
      json.source,
      json.cache_write_5m_usd,
      json.cache_write_1h_usd,
      (json.tiers as Json[])[0]!.cache_write_1h_usd,
    ],
    ["operator", "3.75", "6", "12"],
  );
});

test("a price for a pattern of models has rates of every kind, and of service tiers", async () => {
  const made = await boss("PUT", "/prices/openai/gpt-9*", {
    input: 1,
    output: 2,
    audio_input: "32",
    web_search: 25,
    service_tiers: { priority: { input: 2, output: "4.5", image_output: 60 } },
  });
  assert.deepEqual(
    [made.status, made.json.model, made.json.audio_input, made.json.web_search_usd, made.json.file_search],
    [200, "gpt-9*", 32, "25", undefined],
  );
  const { priority } = made.json.service_tiers as Record<string, Json>;
  assert.deepEqual([priority!.output_usd, priority!.image_output, priority!.web_search], ["4.5", 60, 25]);
  assert.deepEqual(await priceNamed("openai", "gpt-9*"), made.json);
  const key = await app.key();
  assert.equal((await app.chat(key, { model: "openai/gpt-9-mini", max_tokens: 5 })).status, 200);
  assert.equal((await lastCall()).price_id, made.json.price_id);
  const { json } = await ann("GET", "/v1/models");
  assert.ok((json.data as Json[]).every(({ id }) => !String(id).includes("*")));
});

test("models that were called without a price are told", async () => {
  const key = await app.key();
  assert.equal((await app.chat(key, { model: "openai/unheard-of", max_tokens: 5 })).status, 200);
  const { json } = await boss("GET", "/prices/drift");
  const found = (json.unpriced as Json[]).find(({ model }) => model === "unheard-of")!;
  assert.deepEqual([found.provider, found.calls, typeof found.cost_usd], ["openai", 1, "string"]);
});

test("what the catalogue does not have is not adopted, and what is no price is not set", async () => {
  refused(await boss("POST", "/prices/openai/unheard-of/adopt"), 404, "NOT_FOUND");
  refused(await boss("POST", "/prices/openai/whisper-1/adopt"), 404, "NOT_FOUND");
  for (const [body, path] of [
    [{ output: 1 }, "input"],
    [{ input: 1 }, "output"],
    [{ input: -1, output: 1 }, "input"],
    [{ input: "1e-3", output: 1 }, "input"],
    [{ input: 0.0000001, output: 1 }, "input"],
    [{ input: 1, output: 0.30000000000000004 }, "output"],
    [{ input: 1, output: 1e21 }, "output"],
    [{ input: 1, cached_input: null, output: 1 }, "cached_input"],
    [{ input: 1, output: 1, effective_from: "tomorrow" }, "effective_from"],
    [{ input: 1, output: 1, created_by: "x" }, "created_by"],
    [{ input: 1, output: 1, web_search: "1e3" }, "web_search"],
    [{ input: 1, output: 1, service_tiers: { flex: { input: 1 } } }, "service_tiers.flex.output"],
    [
      { input: 1, output: 1, service_tiers: { "fast mode": { input: 1, output: 1 } } },
      "service_tiers.fast mode",
    ],
  ] as const) {
    const answered = await boss("PUT", "/prices/openai/bad", body);
    refused(answered, 400, "VALIDATION_FAILED");
    assert.equal((answered.json.details as Json[])[0]?.path, path, JSON.stringify(body));
  }
  refused(await boss("PUT", "/prices/openai/a*b*c*d*", { input: 1, output: 1 }), 400, "VALIDATION_FAILED");
  refused(await boss("POST", "/prices/openai/gpt-5*/adopt"), 404, "NOT_FOUND");
  refused(await boss("PUT", "/prices/open_ai/bad", { input: 1, output: 1 }), 400, "VALIDATION_FAILED");
  refused(await ann("PUT", "/prices/openai/bad", { input: 1, output: 1 }), 403, "SCOPE_MISSING");
  assert.equal(await priceNamed("openai", "bad"), undefined);
});

test("a model whose name has a slash is named with it encoded", async () => {
  const made = await boss("PUT", "/prices/groq/openai%2Fgpt-oss-120b", { input: 1, output: 2 });
  assert.deepEqual([made.status, made.json.model], [200, "openai/gpt-oss-120b"]);
});

test("where models without a price are denied, a catalogue model is served and an unknown one is not", async () => {
  await using strict = await testApp({
    PRICE_UNKNOWN_POLICY: "deny",
    OPENAI_API_KEY: "sk-upstream",
    OPENAI_BASE_URL: upstream.baseUrl,
  });
  const key = await strict.key();
  assert.equal((await strict.chat(key, { model: "gpt-4o-mini", max_tokens: 5 })).status, 200);
  const denied = await strict.chat(key, { model: "openai/unheard-of", max_tokens: 5 });
  assert.equal(denied.status, 402);
  assert.equal(((await denied.json()) as { error: Json }).error.code, "PRICE_UNKNOWN");
});
