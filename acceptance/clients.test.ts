import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { SimulatedCall } from "../gateway/src/providers/simulated.ts";
import { startBooked } from "./booked.ts";
import { caller } from "./caller.ts";
import { askers, heard, openAiClient, upstreams } from "./clients.ts";
import { type LedgerRow, readEmbeddedBooks } from "./ledger.ts";
import { billedPico, dear, picoOf } from "./upstream.ts";

const booked = await startBooked(
  (upstream) => ({ ...upstream.env, ...upstream.anthropicEnv }),
  `prices:
  "anthropic/sim-cache-write-*": { input: 10, cached_input: 1, cache_write_5m: 12.5, output: 30 }
  "openai/sim-cache-write-*": { input: 10, cached_input: 1, cache_write_5m: 12.5, output: 30 }
`,
);
const { home, upstream, server, servedDuring } = booked;
after(() => booked[Symbol.asyncDispose]());

const question = "Tell me about tolls, gates and the people at them, in as many words as it takes.";
const prices = { ...dear, cacheWrite: 12_500_000n };

/** A user who has not called before. */
const newGate = () => heard({ url: server.url, token: booked.newToken() });

for (const { name, paths, ask } of askers) {
  for (const provider of upstreams) {
    const path = paths[provider];
    if (path === undefined) continue;
    for (const stream of [false, true]) {
      test(`${name}, ${stream ? "streamed" : "whole"}, from ${provider}: what is told is what is billed`, async () => {
        const gate = newGate();
        const { url, token } = gate;
        const calls = await servedDuring(async () => {
          const { text, usage } = await ask(gate, `${provider}/sim-cached-90`, question, stream);
          assert.equal(text, question);
          const [call] = upstream.calls.slice(-1);
          const { promptTokens, cachedTokens, outputTokens } = call!;
          assert.deepEqual(usage, { input: promptTokens, cached: cachedTokens, output: outputTokens });
        });
        assert.deepEqual(
          calls.map((call) => [call.path, call.status]),
          [[path, 200]],
        );
        const [{ headers } = new Response()] = gate.responses;
        assert.equal(headers.get("x-tollgate-provider"), provider);
        assert.equal(headers.get("x-tollgate-model"), "sim-cached-90");
        if (!stream) assert.equal(picoOf(headers.get("x-tollgate-cost-usd")!), billedPico(calls));
        assert.equal(headers.get("x-request-id"), headers.get("x-correlation-id"));
        const isAnthropic = name.includes("anthropic");
        assert.equal(headers.get("request-id"), isAnthropic ? headers.get("x-correlation-id") : null);
        await books(caller(url, token), calls);
      });
    }
  }
}

test("what a model reasons and what it writes to a cache is on the bill, in every dialect", async () => {
  for (const { name, paths, ask } of askers) {
    for (const provider of upstreams.filter((each) => paths[each] !== undefined)) {
      for (const model of ["sim-reasoning", "sim-cache-write-50"]) {
        const gate = newGate();
        const calls = await servedDuring(() => ask(gate, `${provider}/${model}`, question, true));
        assert.ok(calls[0]!.outputTokens > 64 || calls[0]!.cacheWriteTokens > 0, name);
        await books(caller(gate.url, gate.token), calls);
      }
    }
  }
});

test("embeddings arrive in the client's own encoding and cost what the upstream billed", async () => {
  const gate = newGate();
  const { embeddings, models } = openAiClient(gate);
  const calls = await servedDuring(async () => {
    const { data, usage } = await embeddings.create({
      model: "openai/sim-echo",
      input: [question, "Hello"],
      dimensions: 16,
    });
    assert.deepEqual(
      data.map(({ embedding }) => embedding.length),
      [16, 16],
    );
    assert.equal(usage.prompt_tokens, upstream.calls.at(-1)!.promptTokens);
  });
  assert.deepEqual(
    calls.map(({ path }) => path),
    ["/embeddings"],
  );
  await books(caller(gate.url, gate.token), calls);
  assert.ok((await models.list()).data.length > 0);
});

test("the ledger is the upstream's own account, row by row", async () => {
  assert.equal(await server.stop(), 0);
  const { ledger, reservations } = await readEmbeddedBooks(home);
  assert.deepEqual(reservations, []);
  assert.deepEqual(ledger.map(told).toSorted(), upstream.calls.map(served).toSorted());
});

/** The user's costs of today are exactly these calls. */
async function books(http: ReturnType<typeof caller>, calls: readonly SimulatedCall[]): Promise<void> {
  const { calls: count, estimated_cost_usd, estimated_share, ...tokens } = await http.costs();
  const sum = (kind: "promptTokens" | "cachedTokens" | "outputTokens") =>
    calls.reduce((total, call) => total + call[kind], 0);
  assert.deepEqual([count, estimated_share], [calls.length, 0]);
  assert.equal(picoOf(estimated_cost_usd), billedPico(calls, prices));
  assert.deepEqual(
    [tokens.input_tokens, tokens.cached_input_tokens, tokens.output_tokens],
    [sum("promptTokens"), sum("cachedTokens"), sum("outputTokens")],
  );
}

const told = (row: LedgerRow) =>
  [
    row.model,
    row.input_tokens,
    row.cached_input_tokens,
    row.output_tokens,
    row.cost_pico,
    row.usage_source,
  ].join(" ");

const served = (call: SimulatedCall) =>
  [
    call.model,
    call.promptTokens,
    call.cachedTokens,
    call.outputTokens,
    billedPico([call], prices),
    "reported",
  ].join(" ");
