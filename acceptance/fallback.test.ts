import assert from "node:assert/strict";
import { after, test } from "node:test";
import OpenAI from "openai";
import { keyWithBudget, startBooked } from "./booked.ts";
import { anthropicClient, heard, openAiClient } from "./clients.ts";
import { readEmbeddedBooks, spentPico } from "./ledger.ts";
import { billedPico } from "./upstream.ts";

const refusing = ["sim-500", "sim-529", "sim-429-3s", "sim-401"];
const failing = [...refusing, "sim-html-200", "sim-timeout"];
const booked = await startBooked(
  (upstream) => ({ ...upstream.env, ...upstream.anthropicEnv, KEY_RATE_LIMIT_PER_MINUTE: "" }),
  `aliases:
${failing.map((model) => safe(model, `openai/${model}`, "anthropic/sim-words-7")).join("")}
${safe("rejected", "openai/sim-400", "anthropic/sim-words-7")}
${safe("cut", "openai/sim-cut-40of60", "anthropic/sim-words-7")}
${safe("hopeless", "openai/sim-500", "anthropic/sim-529")}
  stubborn: { retries: 2, targets: [{ model: openai/sim-500-n2 }, { model: anthropic/sim-words-7 }] }
`,
);
const { home, upstream, server } = booked;
after(() => booked[Symbol.asyncDispose]());

/** An alias with two targets, of which the first has a second to begin. */
function safe(name: string, first: string, second: string): string {
  return `  ${name}-safely: { targets: [{ model: ${first}, timeout_seconds: 1 }, { model: ${second} }] }\n`;
}

const { projectId, key } = await keyWithBudget(server, "5");
const gate = () => heard({ url: server.url, token: key });
const messages = [{ role: "user" as const, content: "Hello" }];
const words = 7;
let answered = 0;
let failed = 0;

for (const name of failing) {
  test(`what ${name} does not answer is answered by the next target, whole and streamed, for every client`, async () => {
    const model = `${name}-safely`;
    const hearing = gate();
    const { completions } = openAiClient(hearing).chat;
    const { messages: api } = anthropicClient(hearing);
    const before = upstream.calls.length;
    const texts = [
      (await completions.create({ model, messages })).choices[0]?.message.content,
      (await completions.stream({ model, messages }).finalChatCompletion()).choices[0]?.message.content,
      textOf(await api.create({ model, messages, max_tokens: 99 })),
      textOf(await api.stream({ model, messages, max_tokens: 99 }).finalMessage()),
    ];
    answered += texts.length;
    for (const text of texts) assert.equal(text?.split(" ").length, words);
    for (const { headers } of hearing.responses) {
      assert.equal(headers.get("x-tollgate-provider"), "anthropic");
      assert.equal(headers.get("x-tollgate-model"), "sim-words-7");
    }
    assert.deepEqual(
      [hearing.responses[0], hearing.responses[2]].map((one) => one?.headers.get("x-tollgate-attempts")),
      ["2", "2"],
    );
    const asked = upstream.calls.slice(before).map((call) => call.model);
    assert.equal(asked.filter((one) => one === name).length, texts.length);
    assert.equal(asked.filter((one) => one === "sim-words-7").length, texts.length);
  });
}

test("a target is asked again as often as its alias says, before the next one is", async () => {
  const hearing = gate();
  const { completions } = openAiClient(hearing).chat;
  const { choices } = await completions.create({ model: "stubborn", messages });
  answered += 1;
  assert.equal(choices[0]?.message.content, "Hello");
  const [{ headers } = new Response()] = hearing.responses;
  assert.equal(headers.get("x-tollgate-provider"), "openai");
  assert.equal(headers.get("x-tollgate-attempts"), "3");
});

test("a question that is at fault is asked once", async () => {
  const { completions } = openAiClient(gate()).chat;
  const before = upstream.calls.length;
  await assert.rejects(completions.create({ model: "rejected-safely", messages }), OpenAI.BadRequestError);
  failed += 1;
  assert.equal(upstream.calls.length, before + 1);
});

test("an answer that has begun is nobody else's any more", async () => {
  const { completions } = openAiClient(gate()).chat;
  const before = upstream.calls.length;
  const stream = completions.stream({ model: "cut-safely", messages });
  await assert.rejects(stream.finalChatCompletion());
  failed += 1;
  assert.equal(upstream.calls.length, before + 1);
});

test("where every target fails, the last one's failure is told", async () => {
  const { completions } = openAiClient(gate()).chat;
  await assert.rejects(completions.create({ model: "hopeless-safely", messages }), (error) => {
    assert.ok(error instanceof OpenAI.InternalServerError);
    assert.deepEqual([error.status, error.code], [502, "PROVIDER_FAILED"]);
    return true;
  });
  failed += 1;
});

test("each call is one row of the ledger under one reservation, and a target that refused costs nothing", async () => {
  const budget = await server.ask<{ actual_cost_usd: string; reserved_usd: string }>(
    ...(["budgets", "show", "project", String(projectId)] as const),
  );
  assert.equal(Number(budget.reserved_usd), 0);
  assert.equal(await server.stop(), 0);
  const { ledger, reservations } = await readEmbeddedBooks(home);
  assert.deepEqual(reservations, []);
  assert.equal(ledger.length, answered + failed);
  assert.equal(new Set(ledger.map((row) => row.correlation_id)).size, ledger.length);
  assert.equal(usdPico(budget.actual_cost_usd), spentPico(ledger));
  assert.ok(spentPico(ledger) >= billedPico(upstream.calls));
  const [one] = upstream.calls.filter(({ model }) => model === "sim-words-7");
  const exact = ledger.filter((row) => row.model === "sim-words-7" && row.usage_source === "reported");
  assert.deepEqual(
    exact.map(({ cost_pico }) => BigInt(cost_pico)),
    Array(4 * refusing.length).fill(billedPico([one!])),
  );
});

function textOf({ content }: { readonly content: readonly { readonly type: string }[] }): string {
  return content.map((block) => ("text" in block ? String(block.text) : "")).join("");
}

function usdPico(usd: string): bigint {
  const [whole, decimals = ""] = usd.split(".");
  return BigInt(whole + decimals.padEnd(12, "0"));
}
