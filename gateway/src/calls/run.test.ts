import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { costOf } from "../costs/cost.ts";
import { usageOf } from "../costs/testing.ts";
import { DAY_MS } from "../lib/clock.ts";
import { StoreUnavailable } from "../store/outages.ts";
import { DONE, EVENT_STREAM, lastEvent, running, testRates, textEvent, turn, usageEvent } from "./testing.ts";

const JSON_TYPE = { "content-type": "application/json" };

function completion(usage?: unknown): string {
  const choices = [{ index: 0, message: { role: "assistant", content: "Hi there" }, finish_reason: "stop" }];
  return JSON.stringify({ id: "c1", object: "chat.completion", choices, usage });
}

const reported = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const reportedCost = costOf(usageOf({ input: 10, output: 5 }), testRates);

test("a whole answer leaves byte for byte, after it is on the ledger", async () => {
  const call = await running({ ledgerHangs: true });
  const body = completion(reported);
  call.head(200, JSON_TYPE);
  call.chunk(body.slice(0, 20));
  call.chunk(body.slice(20));
  call.end();
  await turn();
  assert.equal(call.reader.status, 0);
  call.settled();
  await call.done;
  assert.deepEqual([call.reader.status, call.reader.text, call.reader.ended], [200, body, 1]);
  assert.deepEqual(call.reader.headers, {
    "content-type": "application/json",
    "content-length": String(body.length),
    "x-tollgate-provider": "openai",
    "x-tollgate-model": "gpt-5.1",
    "x-tollgate-cost-usd": "0.00025",
  });
  const [settlement, ...others] = call.settlements;
  assert.deepEqual(others, []);
  assert.deepEqual(
    [settlement?.outcome, settlement?.usageSource, settlement?.costPico, settlement?.status],
    ["completed", "reported", reportedCost, 200],
  );
});

test("a stream leaves event by event, and its end marker only after it is on the ledger", async () => {
  const call = await running({ body: { stream: true }, ledgerHangs: true });
  call.head(200, EVENT_STREAM);
  assert.equal(call.reader.status, 0, "until there is something to say");
  call.chunk(textEvent("Hi"));
  assert.deepEqual([call.reader.status, call.reader.text], [200, textEvent("Hi")]);
  call.chunk(lastEvent + usageEvent(10, 5) + DONE);
  call.end();
  await turn();
  assert.equal(call.reader.text, textEvent("Hi") + lastEvent);
  assert.equal(call.settlements.length, 1);
  call.settled();
  await call.done;
  assert.equal(call.reader.text, textEvent("Hi") + lastEvent + DONE);
  assert.deepEqual(
    [call.settlements[0]?.usageSource, call.settlements[0]?.costPico],
    ["reported", reportedCost],
  );
});

test("a ledger that hangs holds an answer's last byte for 250 ms at most", async () => {
  for (const stream of [false, true]) {
    const call = await running({ body: { stream }, ledgerHangs: true });
    call.head(200, stream ? EVENT_STREAM : JSON_TYPE);
    call.chunk(stream ? lastEvent + DONE : completion(reported));
    call.end();
    await turn();
    call.clock.advance(249);
    await turn();
    assert.equal(call.reader.ended, 0);
    call.clock.advance(1);
    await call.done;
    assert.equal(call.reader.ended, 1);
  }
});

test("the usage of a stream is shown only to a client that asked for it", async () => {
  for (const [options, shown] of [
    [{}, false],
    [{ stream_options: { include_usage: false } }, false],
    [{ stream_options: { include_usage: true } }, true],
  ] as const) {
    const call = await running({ body: { stream: true, ...options } });
    assert.deepEqual(call.askedBody().stream_options, { include_usage: true });
    call.head(200, EVENT_STREAM);
    call.chunk(lastEvent + usageEvent(10, 5) + DONE);
    call.end();
    await call.done;
    assert.equal(call.reader.text.includes('"usage"'), shown);
    assert.equal(call.settlements[0]?.costPico, reportedCost);
  }
});

test("a server that cannot report a stream's usage is not asked for it", async () => {
  const call = await running({ body: { stream: true }, provider: { reportsStreamUsage: false } });
  assert.equal("stream_options" in call.askedBody(), false);
});

test("a stream that breaks ends with an error event and never with an end marker", async () => {
  for (const breaks of ["cut", "timeout", "end"] as const) {
    const call = await running({ body: { stream: true } });
    call.head(200, EVENT_STREAM);
    call.chunk(textEvent("Hello"));
    if (breaks === "end") call.end();
    else call.fail(breaks);
    await call.done;
    const lastLine = call.reader.text.trimEnd().split("\n").at(-1)!;
    const { error } = JSON.parse(lastLine.slice("data: ".length));
    assert.equal(error.code, breaks === "timeout" ? "PROVIDER_TIMEOUT" : "PROVIDER_FAILED");
    assert.equal(error.correlationId, "req_0123456789");
    assert.ok(!call.reader.text.includes("[DONE]"));
    assert.equal(call.reader.ended, 1);
  }
});

test("a broken stream is billed for what was sent", async () => {
  const call = await running({ body: { stream: true } });
  call.head(200, EVENT_STREAM);
  call.chunk(textEvent("x".repeat(3_000)));
  call.fail("cut");
  await call.done;
  const { outcome, usage, usageSource, costPico, status } = call.settlements[0]!;
  assert.deepEqual([outcome, usage, usageSource, status], ["cut", undefined, "estimated", 200]);
  assert.ok(costPico > 1_000n * testRates.output, "a token for every three bytes, and the input");
});

test("a stream that breaks after its usage was told is billed by that usage, as partial", async () => {
  const call = await running({ body: { stream: true } });
  call.head(200, EVENT_STREAM);
  call.chunk(textEvent("Hello") + usageEvent(10, 5));
  call.fail("cut");
  await call.done;
  const { usageSource, costPico } = call.settlements[0]!;
  assert.deepEqual([usageSource, costPico], ["partial", reportedCost]);
});

test("an error that the provider sends inside a stream passes, and the stream counts as cut", async () => {
  const error = `data: {"error":{"message":"overloaded","type":"server_error"}}\n\n`;
  const call = await running({ body: { stream: true } });
  call.head(200, EVENT_STREAM);
  call.chunk(textEvent("Hello") + error + DONE);
  call.end();
  await call.done;
  assert.equal(call.reader.text.match(/"error"/g)?.length, 1);
  assert.equal(call.settlements[0]?.outcome, "cut");
});

test("a stream with a finish reason but no end marker is whole, and gets its end marker", async () => {
  const call = await running({ body: { stream: true } });
  call.head(200, EVENT_STREAM);
  call.chunk(textEvent("Hi") + lastEvent);
  call.end();
  await call.done;
  assert.ok(call.reader.text.endsWith(DONE));
  assert.equal(call.settlements[0]?.outcome, "completed");
});

test("for a client that has left before the provider was asked, nobody is asked and nothing is spent", async () => {
  const call = await running({ readerHasLeft: true });
  await call.done;
  assert.equal(call.wasAsked(), false);
  const { outcome, costPico, status } = call.settlements[0]!;
  assert.deepEqual([outcome, costPico, status], ["aborted", 0n, 499]);
});

test("a client that leaves ends the exchange, and what may have been spent is charged", async () => {
  for (const [stream, whenToLeave, source, isCharged] of [
    [false, "before the head", "estimated", (cost: bigint, reserved: bigint) => cost === reserved],
    [true, "before the head", "estimated", (cost: bigint, reserved: bigint) => cost === reserved],
    [true, "in the stream", "estimated", (cost: bigint) => cost > 100n * testRates.output],
    [true, "after the usage", "partial", (cost: bigint) => cost === reportedCost],
  ] as const) {
    const call = await running({ body: { stream } });
    if (whenToLeave !== "before the head") {
      call.head(200, EVENT_STREAM);
      call.chunk(textEvent("x".repeat(300)));
    }
    if (whenToLeave === "after the usage") call.chunk(usageEvent(10, 5));
    call.reader.leave();
    await call.done;
    assert.deepEqual(call.flow, ["abort"]);
    const { outcome, usageSource, costPico, reservedPico, status } = call.settlements[0]!;
    assert.deepEqual([outcome, usageSource, status], ["aborted", source, 499], whenToLeave);
    assert.ok(isCharged(costPico, reservedPico), `${whenToLeave}: ${costPico}`);
    assert.equal(call.stops.size, 0);
  }
});

test("a process that stops ends its streams with an error event that asks to try again", async () => {
  const call = await running({ body: { stream: true } });
  call.head(200, EVENT_STREAM);
  call.chunk(textEvent("Hello"));
  call.stopAll();
  await call.done;
  assert.match(call.reader.text, /"code":"OVERLOADED"/);
  assert.ok(!call.reader.text.includes("[DONE]"));
  const { outcome, status } = call.settlements[0]!;
  assert.deepEqual([call.flow, outcome, status], [["abort"], "aborted", 200]);
});

test("a process that stops before the answer began refuses the call with 503, charged as reserved", async () => {
  const call = await running();
  call.stopAll();
  await assert.rejects(call.done, { code: "OVERLOADED" });
  const { costPico, reservedPico, status } = call.settlements[0]!;
  assert.deepEqual([costPico, status], [reservedPico, 503]);
  assert.equal(call.reader.status, 0);
});

test("a reader that is slower than the provider pauses it until it has drained", async () => {
  const call = await running({ body: { stream: true } });
  call.head(200, EVENT_STREAM);
  call.reader.isFull = true;
  call.chunk(textEvent("Hello"));
  assert.deepEqual(call.flow, ["pause"]);
  call.reader.drain();
  assert.deepEqual(call.flow, ["pause", "resume"]);
});

test("a reader that takes nothing for a minute has left: its call ends and its connection is broken", async () => {
  const call = await running({ body: { stream: true } });
  call.head(200, EVENT_STREAM);
  call.reader.isFull = true;
  call.chunk(textEvent("Hello"));
  call.clock.advance(59_000);
  await turn();
  assert.equal(call.settlements.length, 0);
  call.clock.advance(1_000);
  await call.done;
  assert.deepEqual([call.settlements[0]?.outcome, call.flow.at(-1)], ["aborted", "abort"]);
  assert.equal(call.reader.wasAbandoned, true);
});

test("a call whose client left before anything was sent to the provider costs nothing", async () => {
  for (const stream of [true, false]) {
    const call = await running({ body: { stream } });
    call.connecting();
    call.reader.leave();
    await call.done;
    assert.deepEqual([call.settlements[0]?.outcome, call.settlements[0]?.costPico], ["aborted", 0n]);
  }
});

test("a client that leaves while a refusal is read is not charged for it", async () => {
  const call = await running();
  call.head(429, JSON_TYPE);
  call.reader.leave();
  await call.done;
  assert.deepEqual([call.settlements[0]?.outcome, call.settlements[0]?.costPico], ["aborted", 0n]);
});

test("an answer longer than 64 MiB is given up and charged as reserved", async () => {
  const call = await running();
  const part = Buffer.alloc(16 * 1024 * 1024, " ");
  call.head(200, JSON_TYPE);
  for (let parts = 0; parts < 5; parts++) call.chunk(part);
  await assert.rejects(call.done, { code: "PROVIDER_FAILED" });
  assert.deepEqual(call.flow, ["abort"]);
  assert.equal(call.settlements[0]?.costPico, call.settlements[0]?.reservedPico);
});

test("a 200 that is no chat completion is a failure of the provider, and not free", async () => {
  for (const body of [
    "<html>busy</html>",
    "",
    "{",
    "[]",
    "{}",
    '{"choices":[]}',
    '{"choices":[{"delta":{}}]}',
  ]) {
    const call = await running();
    call.head(200, { "content-type": "text/html" });
    call.chunk(body);
    call.end();
    await assert.rejects(call.done, { code: "PROVIDER_FAILED" }, body);
    const { outcome, status, costPico, usageSource } = call.settlements[0]!;
    assert.deepEqual([outcome, status, usageSource], ["failed", 502, "estimated"]);
    assert.ok(costPico > 0n);
    assert.equal(call.reader.status, 0);
  }
});

test("a 200 that says it is an error costs nothing", async () => {
  const call = await running();
  call.head(200, JSON_TYPE);
  call.chunk('{"error":{"message":"overloaded"}}');
  call.end();
  await assert.rejects(call.done, { code: "PROVIDER_FAILED" });
  assert.equal(call.settlements[0]?.costPico, 0n);
});

test("an exchange that fails before its answer costs nothing only if nothing was sent", async () => {
  for (const [kind, code, isFree] of [
    ["connect", "PROVIDER_FAILED", true],
    ["timeout", "PROVIDER_TIMEOUT", false],
    ["cut", "PROVIDER_FAILED", false],
  ] as const) {
    for (const stream of [false, true]) {
      const call = await running({ body: { stream } });
      call.fail(kind);
      await assert.rejects(call.done, { code });
      const { costPico, reservedPico, outcome } = call.settlements[0]!;
      assert.deepEqual([costPico, outcome], [isFree ? 0n : reservedPico, "failed"], kind);
    }
  }
});

test("a provider's refusal costs nothing, and says so with the right status", async () => {
  for (const [status, code, told] of [
    [400, "PROVIDER_REJECTED", 400],
    [404, "PROVIDER_REJECTED", 404],
    [401, "PROVIDER_FAILED", 502],
    [429, "PROVIDER_RATE_LIMITED", 429],
    [302, "PROVIDER_FAILED", 502],
    [500, "PROVIDER_FAILED", 502],
    [504, "PROVIDER_TIMEOUT", 504],
  ] as const) {
    const call = await running({ body: { stream: true } });
    call.head(status, JSON_TYPE);
    call.chunk('{"error":{"message":"no"}}');
    call.end();
    await assert.rejects(call.done, { code });
    const settlement = call.settlements[0]!;
    assert.deepEqual([settlement.costPico, settlement.status, settlement.usage], [0n, told, undefined]);
  }
});

test("a refusal that breaks off while it is read costs nothing either", async () => {
  const call = await running();
  call.head(500, JSON_TYPE);
  call.fail("cut");
  await assert.rejects(call.done, { code: "PROVIDER_FAILED" });
  assert.equal(call.settlements[0]?.costPico, 0n);
});

test("an answer without usage succeeds, with an estimated cost and no tokens on the ledger", async () => {
  for (const usage of [undefined, null, {}, { prompt_tokens: -1, completion_tokens: 5 }, "many"]) {
    const call = await running();
    call.head(200, JSON_TYPE);
    call.chunk(completion(usage));
    call.end();
    await call.done;
    const settlement = call.settlements[0]!;
    assert.deepEqual([settlement.usage, settlement.usageSource], [undefined, "estimated"]);
    assert.ok(settlement.costPico > 0n && settlement.costPico < settlement.reservedPico);
  }
});

test("an explicit zero stays zero", async () => {
  const call = await running();
  call.head(200, JSON_TYPE);
  call.chunk(completion({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }));
  call.end();
  await call.done;
  const { usage, usageSource, costPico } = call.settlements[0]!;
  assert.deepEqual([usage?.input, usage?.output, usageSource, costPico], [0, 0, "reported", 0n]);
});

test("a budget that does not hold the call refuses it before anybody is asked", async () => {
  const call = await running({
    budgetIds: [7],
    reserve: async () => ({ granted: false, unspentPico: 0n, budgetId: 7 }),
  });
  await assert.rejects(call.done, {
    code: "BUDGET_EXCEEDED",
    message: /^The budget of user usr_ann does not hold this call\. /,
    details: {
      budget: "7",
      scope: "user",
      id: "usr_ann",
      period: "day",
      remaining_usd: "0.3",
      resetAtMs: DAY_MS,
    },
  });
  assert.deepEqual([call.wasAsked(), call.settlements], [false, []]);
});

test("what nobody can bound cannot run under a budget, and can without one", async () => {
  const body = { web_search_options: {} };
  const refused = await running({ body, budgetIds: [7] });
  await assert.rejects(refused.done, { code: "VALIDATION_FAILED" });
  assert.deepEqual([refused.wasAsked(), refused.reserved], [false, []]);
  assert.equal((await running({ body })).wasAsked(), true);
});

test("under a budget the provider is told to write no more than was reserved", async () => {
  const free = await running({ body: { max_tokens: 500 } });
  assert.equal(free.askedBody().max_tokens, 500);
  assert.equal("max_completion_tokens" in (await running()).askedBody(), false);

  const rich = await running({ body: { max_tokens: 500 }, budgetIds: [7] });
  assert.equal("max_tokens" in rich.askedBody(), false, "in the spelling that the provider keeps to");
  assert.equal(rich.askedBody().max_completion_tokens, 500);

  const poor = await running({
    body: { max_tokens: 500 },
    budgetIds: [7],
    reserve: async ({ call, needPico }) => ({ granted: true, call: { ...call, reservedPico: needPico } }),
  });
  const cap = poor.askedBody().max_completion_tokens as number;
  assert.ok(cap >= 16 && cap < 500);
  const { needPico, wantPico } = poor.reserved[0]!;
  assert.equal(wantPico - needPico, BigInt(500 - cap) * testRates.output);
});

test("without a database nobody is asked and nothing is settled", async () => {
  const call = await running({ reserve: () => Promise.reject(new StoreUnavailable("away")) });
  await assert.rejects(call.done, StoreUnavailable);
  assert.deepEqual([call.wasAsked(), call.settlements], [false, []]);
});

test("a simulated answer says so, and a model name from a caller cannot break a header", async () => {
  const provider = { simulated: true, name: "simulated" };
  const call = await running({ provider, model: "fast\r\nset-cookie: a=b\u00e9" });
  call.head(200, JSON_TYPE);
  call.chunk(completion(reported));
  call.end();
  await call.done;
  assert.equal(call.reader.headers["x-tollgate-simulated"], "true");
  assert.equal(call.reader.headers["x-tollgate-model"], "fast??set-cookie:?a=b?");
});

test("whatever happens in whatever order, a call is settled once and ends once", async () => {
  const step = fc.constantFrom(
    "head",
    "badHead",
    "text",
    "usage",
    "last",
    "done",
    "end",
    "cut",
    "timeout",
    "leave",
    "stop",
    "slow",
    "drain",
  );
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 8 }), async (stream, steps) => {
      const call = await running({ body: { stream } });
      let isOver = false;
      let hasHead = false;
      for (const each of [...steps, "stop"]) {
        if (isOver) break;
        if (each === "head" && !hasHead) call.head(200, stream ? EVENT_STREAM : JSON_TYPE);
        else if (each === "badHead" && !hasHead) call.head(500);
        else if (each === "text" && hasHead) call.chunk(textEvent("Hello"));
        else if (each === "usage" && hasHead) call.chunk(usageEvent(10, 5));
        else if (each === "last" && hasHead) call.chunk(lastEvent);
        else if (each === "done" && hasHead) call.chunk(DONE);
        else if (each === "end" && hasHead) call.end();
        else if (each === "cut" || each === "timeout") call.fail(each);
        else if (each === "leave") call.reader.leave();
        else if (each === "stop") call.stopAll();
        else if (each === "slow") call.reader.isFull = true;
        else if (each === "drain") call.reader.drain();
        hasHead ||= each === "head" || each === "badHead";
        isOver = ["cut", "timeout", "leave", "stop"].includes(each) || (each === "end" && hasHead);
      }
      const failure: unknown = await call.done.then(
        () => undefined,
        (error: unknown) => error,
      );
      assert.equal(call.settlements.length, 1);
      const { outcome, costPico, reservedPico } = call.settlements[0]!;
      assert.ok(costPico >= 0n && costPico <= reservedPico);
      assert.equal(call.reader.text.includes("[DONE]"), stream && outcome === "completed");
      assert.equal(call.reader.ended, failure === undefined && call.reader.isOpen ? 1 : 0);
      assert.ok(failure === undefined || call.reader.status === 0);
      assert.equal(call.stops.size, 0);
    }),
    { numRuns: 300 },
  );
});
