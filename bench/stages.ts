// Where the time of a call goes: every stage of its path alone, in this process. `npm run bench` is the truth about
// the whole; this says which part to look at.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chatFormat } from "../gateway/src/calls/formats.ts";
import { aiRequest, upstreamBody } from "../gateway/src/calls/request.ts";
import { costOf } from "../gateway/src/costs/cost.ts";
import { defaultRates } from "../gateway/src/costs/prices.shipped.ts";
import { priceBook, priceOf } from "../gateway/src/costs/prices.ts";
import { parseJson } from "../gateway/src/http/json.ts";
import { presentedTokens } from "../gateway/src/identity/credentials.ts";
import { newKey, parseKey } from "../gateway/src/identity/key.ts";
import { systemClock } from "../gateway/src/lib/clock.ts";
import { newCorrelationId, systemChance, uuidv7 } from "../gateway/src/lib/ids.ts";
import { memoryCounters } from "../gateway/src/limits/counters.memory.ts";
import { limitHeaders } from "../gateway/src/limits/headers.ts";
import type { Counters, Dimension } from "../gateway/src/limits/limit.ts";
import { standingsOf, tightestOf } from "../gateway/src/limits/standing.ts";
import { openAiChat } from "../gateway/src/providers/openai.chat.ts";
import { streamTap } from "../gateway/src/providers/tap.ts";
import { wholeAnswer } from "../gateway/src/providers/whole.ts";
import { freePort, plainEnvironment, startChild } from "./child.ts";
import { decisionPrices } from "./decision.ts";
import { chatBody } from "./request.ts";
import { timeOf } from "./stopwatch.ts";
import { markdownTable, spreadText } from "./table.ts";

type Stage = { readonly name: string; run(): unknown };

const key = newKey("sk", systemChance);
const rawHeaders = [
  "Host",
  "127.0.0.1",
  "Content-Type",
  "application/json",
  "Authorization",
  `Bearer ${key}`,
];
const small = Buffer.from(chatBody("openai/gpt-5.1", { bytes: 1024, stream: false }));
const large = Buffer.from(chatBody("openai/gpt-5.1", { bytes: 32 * 1024, stream: false }));
const smallJson = parseJson(small);
const largeJson = parseJson(large);
const smallRequest = aiRequest(chatFormat, smallJson, small.length);
const largeRequest = aiRequest(chatFormat, largeJson, large.length);
const upstream = { model: "gpt-5.1", asksForUsage: true, outputCap: 4096 };

const MINUTE_MS = 60_000;
const ENOUGH = 1_000_000_000;
const window = { shape: "window", limit: ENOUGH, windowMs: MINUTE_MS, cost: 1, capacity: 0 } as const;
const bucket = { ...window, shape: "bucket", capacity: ENOUGH } as const;
/** A cooldown, two windows, a daily quota, two buckets and the fence: what a call with an API key meets. */
const dimensions: readonly Dimension[] = [
  { ...window, id: "key-cooldown", key: "key-cooldown:1", shape: "hold", limit: 1, windowMs: 1 },
  { ...window, id: "class-minute", key: "class/chat/usr_1" },
  { ...window, id: "plan-minute", key: "plan/usr_1" },
  { ...window, id: "key-daily", key: "quota/key/1", shape: "dailyQuota", windowMs: 86_400_000 },
  { ...bucket, id: "key-minute", key: "bucket/key/1" },
  { ...bucket, id: "address-minute", key: "bucket/ip/127.0.0.1" },
  { ...window, id: "epoch", key: "epoch", shape: "epoch", limit: 1, cost: 0 },
];

const memory = await seeded(memoryCounters({ clock: systemClock }));
const taken = await memory.take(dimensions, true);
const book = priceBook({ operator: [], configured: [], defaults: defaultRates, unknown: "default" });
const { rates } = priceOf(book, "openai", "gpt-5.1", systemClock.now())!;
const usage = { input: 256, cacheRead: 128, cacheWrite5m: 0, cacheWrite1h: 0, output: 64, reasoning: 0 };
const answer = Buffer.from(
  JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "gpt-5.1",
    choices: [
      { index: 0, message: { role: "assistant", content: "word ".repeat(60) }, finish_reason: "stop" },
    ],
    usage: { prompt_tokens: 256, completion_tokens: 64, total_tokens: 320 },
  }),
);
const chunk = Buffer.from(
  'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000000,"model":"gpt-5.1","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}\n\n',
);
const tap = streamTap(openAiChat, { hideUsage: true });

/** In the order in which a call meets them. */
const stages: Stage[] = [
  {
    name: "correlation id and call id",
    run: () => newCorrelationId(systemChance) + uuidv7(systemClock.now(), systemChance),
  },
  { name: "credential from the headers", run: () => presentedTokens(rawHeaders) },
  { name: "form and checksum of a key", run: () => parseKey(key) },
  { name: "seven limits in memory", run: () => memory.take(dimensions, true) },
  { name: "standings and limit headers", run: limitAnswer },
  { name: "parse and inspect a body, 1 KB", run: () => parseJson(small) },
  { name: "parse and inspect a body, 32 KB", run: () => parseJson(large) },
  { name: "check a chat request, 1 KB", run: () => aiRequest(chatFormat, smallJson, small.length) },
  { name: "check a chat request, 32 KB", run: () => aiRequest(chatFormat, largeJson, large.length) },
  { name: "price of a model", run: () => priceOf(book, "openai", "gpt-5.1", systemClock.now()) },
  { name: "body for the provider, 1 KB", run: () => upstreamBody(chatFormat, smallRequest.body, upstream) },
  { name: "body for the provider, 32 KB", run: () => upstreamBody(chatFormat, largeRequest.body, upstream) },
  { name: "usage of a whole answer", run: () => wholeAnswer(openAiChat, answer) },
  { name: "tap, one streamed chunk", run: () => tap.push(chunk) },
  { name: "cost of a usage", run: () => costOf(usage, rates) },
];

function limitAnswer() {
  const standings = standingsOf(dimensions, taken);
  return limitHeaders({ standings, tightest: tightestOf(standings), degraded: false });
}

async function seeded(counters: Counters): Promise<Counters> {
  for (const dimension of dimensions) if (dimension.shape === "dailyQuota") await counters.seed(dimension, 0);
  return counters;
}

/** A Redis of its own, or undefined where none is installed. */
async function startRedis(stack: AsyncDisposableStack): Promise<string | undefined> {
  const isInstalled = (process.env.PATH ?? "")
    .split(delimiter)
    .some((folder) => existsSync(join(folder, "redis-server")));
  if (!isInstalled) {
    console.error("redis-server is missing: its stages are left out (apt-get install redis-server)");
    return undefined;
  }
  const port = await freePort();
  const args = ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--appendonly", "no"];
  const server = await startChild({ command: "redis-server", args, env: plainEnvironment() }, (output) =>
    output.includes("Ready to accept connections"),
  );
  stack.defer(server.stop);
  return `redis://127.0.0.1:${port}`;
}

await using stack = new AsyncDisposableStack();
const rows: string[][] = [];
for (const { name, run } of stages) {
  const { wallUs, cpuUs } = await timeOf(run);
  rows.push([name, spreadText(wallUs), spreadText(cpuUs)]);
}
console.log(markdownTable(["stage", "wall µs per call", "CPU µs per call"], rows));

const url = await startRedis(stack);
if (url !== undefined) {
  const prices = await decisionPrices(url, dimensions);
  const header = [
    "in Redis, 64 at a time",
    "wall µs",
    "CPU µs",
    "decision ÷ this, wall",
    "decision ÷ this, CPU",
  ];
  console.log(`\n${markdownTable(header, prices)}`);
}
