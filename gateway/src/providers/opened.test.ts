import assert from "node:assert/strict";
import type { LookupAddress, lookup } from "node:dns";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { hear, textOf } from "../lib/fetch.testing.ts";
import { parseNetworks } from "../lib/networks.ts";
import { OutboundRefused, reach } from "../lib/reach.ts";
import { until } from "../lib/until.testing.ts";
import type { KnownProvider } from "./known.ts";
import { providerOpener } from "./opened.ts";
import type { Provider } from "./provider.ts";
import { simulated } from "./simulated.ts";
import { tryProvider } from "./try-provider.ts";

/** Sends the first half of an answer at once, and the second when it is told. */
let finish = (): void => {};
const seen: string[] = [];
const server = createServer((request, response) => {
  seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
  if (request.method === "GET") {
    response.writeHead(request.headers.authorization === "Bearer sk-right" ? 200 : 401);
    response.end(`Incorrect API key provided: ${request.headers.authorization}`);
    return;
  }
  response.writeHead(200, { "content-length": 4 }).write("ha");
  finish = () => response.end("lf");
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;
after(() => server.close());

const connections = () =>
  new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));

const timeouts = { connectTimeoutMs: 2_000, headersTimeoutMs: 2_000, bodyTimeoutMs: 2_000 };

function known(fields: Partial<KnownProvider> = {}, apiKey = "sk-right", host = "127.0.0.1"): KnownProvider {
  const upstream = {
    name: "mine",
    dialect: "openai",
    baseUrl: `http://${host}:${port}/v1`,
    apiKey,
    models: [],
    reportsStreamUsage: true,
    timeouts,
  } as const;
  return {
    name: "mine",
    source: "stored",
    upstream,
    hasCredential: true,
    fault: undefined,
    updatedAt: undefined,
    updatedBy: undefined,
    ...fields,
  };
}

/** Every name leads to this address. */
function leadingTo(address: string): typeof lookup {
  const resolve = (_name: string, _options: object, answer: (error: null, all: LookupAddress[]) => void) =>
    answer(null, [{ address, family: 4 }]);
  return resolve as unknown as typeof lookup;
}

const allowed = parseNetworks(["127.0.0.0/8"]).networks;
const faults: string[] = [];
function opener(resolve = leadingTo("127.0.0.1")) {
  const builtIn = simulated({ clock: systemClock });
  return providerOpener({
    reach: reach({ allowed, resolve }),
    builtIn,
    onFault: (name, fault) => faults.push(`${name}: ${fault}`),
  });
}

const call = { path: "/chat/completions", body: Buffer.from("{}"), headers: {} };
const sent = (provider: Provider) => hear((events) => provider.send(call, events));

test("a provider that was not changed keeps its connections, one that was is opened anew", () => {
  const open = opener();
  const before = open([known()]).get("mine");
  assert.equal(open([known({ updatedAt: new Date(5), updatedBy: "usr_boss" })]).get("mine"), before);
  assert.notEqual(open([known({}, "sk-other")]).get("mine"), before);
  assert.equal(open([]).size, 0);
});

test("a call that is under way ends as it began, and then its connection is closed", async () => {
  const open = opener();
  const call = sent(open([known({}, "sk-before")]).get("mine")!);
  await until(() => call.heard.chunks.length > 0);
  const next = open([known({}, "sk-after")]).get("mine")!;
  open([]);
  finish();
  assert.equal(textOf(await call.over), "half");
  const late = sent(next);
  await until(() => late.heard.chunks.length > 0);
  finish();
  assert.equal((await late.over).outcome, "end");
  assert.deepEqual(seen.splice(0), [
    "POST /v1/chat/completions Bearer sk-before",
    "POST /v1/chat/completions Bearer sk-after",
  ]);
  await until(async () => (await connections()) === 0);
});

test("of two that have one name the first is asked", async () => {
  const open = opener();
  const both = open([known({ source: "settings" }), known({ fault: "hidden" })]);
  assert.deepEqual([[...both.keys()], faults], [["mine"], []]);
  const call = sent(both.get("mine")!);
  await until(() => call.heard.chunks.length > 0);
  call.exchange.abort();
  await both.get("mine")!.close();
  seen.length = 0;
});

test("one with a fault is told of once, and calls that are meant for it fail and go nowhere", async () => {
  const open = opener();
  const faulty = known({ fault: "The credential cannot be opened." });
  const provider = open([faulty]).get("mine")!;
  open([faulty]);
  assert.deepEqual(faults.splice(0), ["mine: The credential cannot be opened."]);
  assert.deepEqual((await sent(provider).over).outcome, "connect");
  const { exchange, heard } = sent(provider);
  exchange.abort();
  await new Promise(setImmediate);
  assert.deepEqual([heard.outcome, exchange.wasSent, seen], [undefined, false, []]);
});

test("a name that leads inside when it is connected to is not connected to, if an administrator set it", async () => {
  for (const address of ["10.0.0.1", "169.254.169.254", "1.1.1.1"]) {
    const stored = known({}, "sk-right", "rebound.example");
    const open = opener(leadingTo(address));
    const { outcome, cause } = await sent(open([stored]).get("mine")!).over;
    assert.deepEqual([outcome, cause instanceof OutboundRefused], ["connect", true], address);
    const deps = {
      clock: systemClock,
      providers: { reach: reach({ allowed, resolve: leadingTo(address) }) },
    };
    const trial = await tryProvider(deps, stored);
    assert.deepEqual([trial.reachable, trial.status], [false, undefined]);
    assert.match(trial.detail, /OUTBOUND_ALLOW_CIDRS/);
  }
  assert.deepEqual(seen, []);
});

test("a try says what came of it in our own words, and nothing that the provider says", async () => {
  const deps = { clock: systemClock, providers: { reach: reach({ allowed }) } };
  const right = await tryProvider(deps, known());
  assert.deepEqual(
    [right.reachable, right.status, right.detail],
    [true, 200, "It answers with its list of models."],
  );
  const wrong = await tryProvider(deps, known({}, "sk-wrong-credential"));
  assert.deepEqual([wrong.reachable, wrong.status], [true, 401]);
  assert.equal(wrong.detail, "It answers, and does not take the credential.");
  const gone = known();
  const closed = { ...gone.upstream!, baseUrl: "http://127.0.0.1:9/v1" };
  const none = await tryProvider(deps, { ...gone, upstream: closed });
  assert.deepEqual(
    [none.reachable, none.status, none.detail],
    [false, undefined, "No connection came about."],
  );
  assert.deepEqual((await tryProvider(deps, known({ fault: "broken" }))).detail, "broken");
  assert.equal((await tryProvider(deps, { ...known(), upstream: undefined })).reachable, true);
});
