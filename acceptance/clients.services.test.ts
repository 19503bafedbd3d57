import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { until } from "../gateway/src/lib/until.testing.ts";
import type { SimulatedCall } from "../gateway/src/providers/simulated.ts";
import { askers, heard, openAiClient, upstreams } from "./clients.ts";
import { startInstances } from "./instances.ts";
import { type LedgerRow, readBooks } from "./ledger.ts";
import { newStores, withoutStores } from "./stores.ts";
import { billedPico, dearByDefault, startUpstream } from "./upstream.ts";

const skip = withoutStores();
const token = "token-of-ann";
const users = { APP_AUTH_TOKEN_USER_MAP: `${token}:usr_ann`, USER_RATE_LIMIT_PER_MINUTE: "" };
const question = "Tell me about tolls and gates.";

test("with two instances on PostgreSQL and Redis every client gets its answer, and the ledger is the upstream's account", {
  skip,
}, async () => {
  await using stores = await newStores();
  await using upstream = await startUpstream();
  const providers = { ...upstream.env, ...upstream.anthropicEnv, ...dearByDefault };
  await using instances = await startInstances(2, { ...stores.env, ...providers, ...users });
  let asked = 0;
  for (const { name, paths, ask } of askers) {
    for (const provider of upstreams.filter((each) => paths[each] !== undefined)) {
      for (const stream of [false, true]) {
        const gate = heard({ url: instances.url(asked++), token });
        const { text } = await ask(gate, `${provider}/sim-cached-90`, question, stream);
        assert.equal(text, question, `${name} from ${provider}`);
      }
    }
  }
  await until(async () => (await readBooks(stores.db)).ledger.length === asked);
  const { ledger, reservations } = await readBooks(stores.db);
  assert.deepEqual(reservations, []);
  assert.deepEqual(ledger.map(told).toSorted(), upstream.calls.map(served).toSorted());
});

test("five failures that one instance sees are enough for the other, and so is one success", {
  skip,
}, async () => {
  await using stores = await newStores();
  await using upstream = await startUpstream();
  const breaker = { BREAKER_FAILURE_THRESHOLD: "5", BREAKER_OPEN_SECONDS: "2" };
  await using instances = await startInstances(2, { ...stores.env, ...upstream.env, ...breaker, ...users });
  const statusOf = (index: number, model: string) => {
    const messages = [{ role: "user" as const, content: question }];
    const { chat } = openAiClient(heard({ url: instances.url(index), token }));
    return chat.completions.create({ model, messages }).then(
      () => 200,
      (error) => (error instanceof OpenAI.APIError ? error.status : 0),
    );
  };
  for (let failure = 1; failure <= 5; failure++) assert.equal(await statusOf(0, "openai/sim-500"), 502);
  await until(async () => (await statusOf(1, "openai/sim-500")) === 503, { limitMs: 2_000 });
  const before = upstream.calls.length;
  assert.equal(await statusOf(0, "openai/sim-echo"), 503);
  assert.equal(upstream.calls.length, before);
  await until(async () => (await statusOf(1, "openai/sim-echo")) === 200);
  await until(async () => (await statusOf(0, "openai/sim-echo")) === 200);
});

const told = ({ model, input_tokens, cached_input_tokens, output_tokens, cost_pico }: LedgerRow) =>
  [model, input_tokens, cached_input_tokens, output_tokens, cost_pico].join(" ");

const served = (call: SimulatedCall) =>
  [call.model, call.promptTokens, call.cachedTokens, call.outputTokens, billedPico([call])].join(" ");
