import assert from "node:assert/strict";
import { test } from "node:test";
import type { Settlement } from "../costs/ledger.ts";
import { priceBook } from "../costs/prices.ts";
import type { Reserved } from "../costs/reserve.ts";
import { principal } from "../identity/testing.ts";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance, uuidv7 } from "../lib/ids.ts";
import { askerInPieces } from "./ask-in-pieces.ts";
import {
  DONE,
  EVENT_STREAM,
  lastEvent,
  passing,
  scriptedProvider,
  textEvent,
  turn,
  usageEvent,
} from "./testing.ts";

const defaults = { input: "10", cachedInput: "1", output: "30" };
const book = priceBook({ operator: [], configured: [], defaults, unknown: "default" });

/** A call whose provider and reader are in the test's hands. */
function asking(refusesBudget = false) {
  const clock = new VirtualClock();
  const upstream = scriptedProvider();
  const settlements: Settlement[] = [];
  const leaving = new AbortController();
  const { provider } = upstream;
  const ask = askerInPieces({
    clock,
    chance: seededChance(1),
    routes: () => ({
      providers: new Map([["openai", provider]]),
      aliases: new Map(),
      fallback: provider,
      removed: new Set(),
    }),
    prices: () => book,
    breakers: { admit: async () => passing() },
    budgetIdsOf: async () => (refusesBudget ? [1] : []),
    budgetOf: async () => undefined,
    reserve: async ({ call, wantPico }): Promise<Reserved> =>
      refusesBudget
        ? { granted: false, budgetId: 1, unspentPico: 0n }
        : { granted: true, call: { ...call, reservedPico: wantPico } },
    topUp: async () => undefined,
    settle: async (settlement) => void settlements.push(settlement),
    onSettled: () => {},
    onStop: () => () => {},
    onFirstByte: () => {},
    priceOf: () => undefined,
  });
  const pieces = ask({
    principal: principal(),
    projectId: undefined,
    operation: "query.ask",
    endpointClass: "query",
    correlationId: "req_0123456789",
    callId: uuidv7(0, seededChance(1)),
    body: { model: "openai/gpt-5.1", messages: [{ role: "user", content: "Hello" }] },
    signal: leaving.signal,
  });
  return { ...upstream, pieces, settlements, leave: () => leaving.abort() };
}

/** Lets the call get as far as its provider, which begins to stream. */
async function begun() {
  const call = asking();
  const first = call.pieces.next();
  first.catch(() => {});
  for (let turns = 0; turns < 5; turns++) await turn();
  call.head(200, EVENT_STREAM);
  return { ...call, first };
}

test("text comes piece by piece, however the bytes are cut, and the ledger's word at the end", async () => {
  const call = await begun();
  const bytes = Buffer.from(textEvent("Grüß") + textEvent(" dich"));
  call.chunk(bytes.subarray(0, 43));
  call.chunk(bytes.subarray(43, 60));
  call.chunk(bytes.subarray(60));
  const said = [(await call.first).value];
  call.chunk(textEvent("!") + lastEvent + usageEvent(10, 5) + DONE);
  call.end();
  let next = await call.pieces.next();
  while (next.done !== true) {
    said.push(next.value);
    next = await call.pieces.next();
  }
  assert.equal(said.join(""), "Grüß dich!");
  assert.equal(next.value.usage?.output, 5);
  assert.deepEqual(call.settlements, [next.value]);
});

test("an answer that comes whole is one piece", async () => {
  const call = asking();
  const first = call.pieces.next();
  for (let turns = 0; turns < 5; turns++) await turn();
  call.head(200, { "content-type": "application/json" });
  const message = { role: "assistant", content: "Hello yourself" };
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  call.chunk(JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }], usage }));
  call.end();
  assert.equal((await first).value, "Hello yourself");
  assert.equal((await call.pieces.next()).done, true);
});

test("whoever stops reading leaves the call, which is settled by what was said", async () => {
  const call = await begun();
  call.chunk(textEvent("Once upon a time"));
  await call.first;
  await call.pieces.return(undefined as never);
  assert.ok(call.flow.includes("abort"));
  assert.equal(call.settlements[0]?.outcome, "aborted");
});

test("a client that has left ends the text with the reason of its leaving", async () => {
  const call = await begun();
  call.leave();
  await assert.rejects(call.first, { name: "AbortError" });
  assert.equal(call.settlements[0]?.outcome, "aborted");
});

test("a text that breaks off says so after what was said", async () => {
  const call = await begun();
  call.chunk(textEvent("Once upon"));
  assert.equal((await call.first).value, "Once upon");
  const next = call.pieces.next();
  call.fail("cut");
  await assert.rejects(next, { code: "PROVIDER_FAILED" });
  assert.equal(call.settlements[0]?.outcome, "cut");
});

test("a budget that does not hold the call refuses it before the first piece", async () => {
  const { pieces, wasAsked } = asking(true);
  await assert.rejects(pieces.next(), { code: "BUDGET_EXCEEDED" });
  assert.equal(wasAsked(), false);
});

test("a reader that is slow makes the provider wait", async () => {
  const call = await begun();
  call.chunk(textEvent("x".repeat(70_000)));
  assert.deepEqual(call.flow, ["pause"]);
  await call.first;
  assert.deepEqual(call.flow, ["pause", "resume"]);
  await call.pieces.return(undefined as never);
});
