import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startServices } from "../scripts/services.ts";
import { type Caller, caller, codeOf } from "./caller.ts";
import { readBooks, readBooksAt, spentPico } from "./ledger.ts";
import { startTollgate, type Tollgate, type Variables } from "./server.ts";
import { freeze, newStores, SECRET_KEY, type Stores, withoutStores } from "./stores.ts";
import { until, within } from "./until.ts";
import { billedPico, dearByDefault, startUpstream, type Upstream } from "./upstream.ts";

const skip = withoutStores();
const noBuckets = { KEY_RATE_LIMIT_PER_MINUTE: "", IP_RATE_LIMIT_PER_MINUTE: "" };
const FROZEN_MS = 4_000;
const LONGEST_ANSWER_MS = 3_500;
const ONE_USD = 1_000_000_000_000n;

/** Two instances on the same stores, with the same upstream. */
type Pair = AsyncDisposable & {
  readonly a: Tollgate;
  readonly b: Tollgate;
  readonly stores: Stores;
  readonly upstream: Upstream;
  readonly callers: (credential: string) => readonly [Caller, Caller];
};

async function startPair(env: Variables, config?: string): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const stores = stack.use(await newStores());
  const upstream = stack.use(await startUpstream());
  const options = {
    env: { ...stores.env, ...upstream.env, ...dearByDefault, ...noBuckets, ...env },
    ...(config === undefined ? {} : { config }),
  };
  const [a, b] = await Promise.all([startTollgate(options), startTollgate(options)]);
  stack.use(a);
  stack.use(b);
  const held = stack.move();
  return {
    a,
    b,
    stores,
    upstream,
    callers: (credential) => [caller(a.url, credential), caller(b.url, credential)],
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function issueKey(server: Tollgate, ...options: string[]): Promise<string> {
  const { key } = await server.ask<{ key: string }>("keys", "issue", "--name", "test", ...options);
  return key;
}

/** Exactly 20 of 200 pass, and only they reach the upstream. */
async function assertTwentyPass(pair: Pair, credential: string, code: string): Promise<void> {
  const before = pair.upstream.calls.length;
  const outcomes = await burst(pair.callers(credential), 200, "sim-echo");
  assert.equal(outcomes.filter(({ status }) => status === 200).length, 20);
  const refusals = outcomes.filter(({ status }) => status !== 200);
  assert.ok(refusals.every((refusal) => refusal.status === 429 && refusal.code === code));
  assert.equal(pair.upstream.calls.length - before, 20);
}

test("a key's bucket of 20 lets exactly 20 of a burst of 200 through two instances", { skip }, async () => {
  await using pair = await startPair({ KEY_RATE_LIMIT_PER_MINUTE: "20", KEY_RATE_LIMIT_BURST: "20" });
  await assertTwentyPass(pair, await issueKey(pair.a), "RATE_LIMITED");
});

test("a plan of 20 a minute lets exactly 20 of a burst of 200 through two instances", { skip }, async () => {
  const plan = "plans:\n  default:\n    limits:\n      requests_per_minute: 20\n";
  await using pair = await startPair({ APP_AUTH_TOKEN_USER_MAP: "token-a:usr_a" }, plan);
  await assertTwentyPass(pair, "token-a", "RATE_LIMITED");
});

test("two instances share quotas, keys and money", { skip, timeout: 90_000 }, async (t) => {
  await using pair = await startPair({ RESERVATION_TTL_SECONDS: "2" });

  await t.test("a daily quota of 20 lets exactly 20 of a burst of 200 through", async () => {
    await assertTwentyPass(pair, await issueKey(pair.a, "--daily-quota", "20"), "QUOTA_EXCEEDED");
  });

  await t.test("a key revoked on one instance is refused on the other within a second", async () => {
    const key = await issueKey(pair.a);
    const callers = pair.callers(key);
    for (const us of callers) assert.equal((await outcomeOf(us.chat())).status, 200);
    await pair.a.ask("keys", "revoke", key);
    for (const us of callers) {
      await until(async () => (await outcomeOf(us.chat())).code === "AUTH_INVALID", { limitMs: 1_000 });
    }
  });

  await t.test("1,000 concurrent calls never spend more than a budget of $1.00, and use it up", (t) =>
    spendOneDollar(t, pair),
  );

  await t.test("after kill -9 with 200 calls in flight none is missing", (t) => killInFlight(t, pair));
});

async function spendOneDollar(t: TestContext, { a, upstream, stores, callers }: Pair): Promise<void> {
  const project = await a.ask<{ id: number }>("projects", "create", "--name", "dollar", "--budget", "1.00");
  const both = callers(await issueKey(a, "--project", String(project.id)));
  const next = numbers(20_261_122);
  const from = upstream.calls.length;
  const served = () => upstream.calls.slice(from);
  const ask = (index: number) =>
    outcomeOf(both[index % 2]!.chat({ model: "sim-words-4000", max_tokens: 16 + (next() % 2000) }));

  const startedAt = performance.now();
  const first = await Promise.all(Array.from({ length: 1000 }, (_, index) => ask(index)));
  const elapsedMs = Math.round(performance.now() - startedAt);
  const passed = first.filter(({ status }) => status === 200).length;
  assert.ok(first.every(({ status, code }) => status === 200 || code === "BUDGET_EXCEEDED"));
  t.diagnostic(`${passed} of 1,000 passed in ${elapsedMs} ms and spent ${share(served())}`);

  // Callers that go on until a call is refused although nothing is in flight.
  for (let rounds = 0; ; rounds++) {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(index)));
    assert.ok(outcomes.every(({ status, code }) => status === 200 || code === "BUDGET_EXCEEDED"));
    if (outcomes.every(({ status }) => status !== 200)) {
      t.diagnostic(`after ${rounds} more rounds of 20 calls: ${share(served())}`);
      break;
    }
  }
  const billed = billedPico(served());
  assert.ok(billed <= ONE_USD, `the upstream billed ${billed} pico-USD`);
  assert.ok(billed * 100n >= ONE_USD * 99n, `the upstream billed ${billed} pico-USD`);

  const { ledger, reservations } = await readBooks(stores.db);
  const ours = ledger.filter(({ model }) => model === "sim-words-4000");
  assert.deepEqual(reservations, []);
  assert.equal(ours.length, served().length);
  assert.equal(spentPico(ours), billed);
  const { items } = await a.ask<{ items: { id: number; actual_cost_usd: string }[] }>("projects", "list");
  const shown = items.find(({ id }) => id === project.id)!.actual_cost_usd;
  assert.equal(BigInt(Math.round(Number(shown) * 1e12)), billed);
}

function share(calls: Upstream["calls"]): string {
  return `${(Number(billedPico(calls)) / 1e10).toFixed(2)} % of $1.00`;
}

async function killInFlight(t: TestContext, { a, b, upstream, stores, callers }: Pair): Promise<void> {
  const [toA, toB] = callers(await issueKey(b));
  const streamed = Array.from({ length: 100 }, (_, index) => `sim-slow-${index + 10}tps`);
  const delayed = Array.from({ length: 100 }, (_, index) => `sim-delay-${60_000 + index}ms`);
  const from = upstream.calls.length;
  const asked = [
    ...streamed.map((model) => toA.chat({ model, stream: true })),
    ...delayed.map((model) => toA.chat({ model })),
  ].map((answer) => answer.then((response) => response.text()).catch(() => "broken"));
  const survivor = toB.chat({ model: "sim-slow-110tps", stream: true });
  await until(async () => (await inFlight(a)) === 200);
  await until(async () => (await upstream.connections()) >= 201);
  await a.kill("SIGKILL");
  await Promise.all(asked);
  await until(() => upstream.calls.length - from >= 200);

  const wanted = [...streamed, ...delayed].sort();
  const names = (rows: readonly { readonly model: string }[]) => rows.map(({ model }) => model);
  const ofThisTest = new Set(wanted);
  const early = await readBooks(stores.db);
  const found = [...names(early.ledger), ...names(early.reservations)].filter((name) => ofThisTest.has(name));
  assert.deepEqual([...new Set(found)].sort(), wanted);
  t.diagnostic(`${early.reservations.length} reservations open right after the kill`);

  assert.match(await (await survivor).text(), /\[DONE\]\n\n$/);
  await until(async () => (await readBooks(stores.db)).reservations.length === 0);
  const { ledger } = await readBooks(stores.db);
  const rows = ledger.filter(({ model }) => ofThisTest.has(model));
  assert.deepEqual(names(rows).sort(), wanted);
  for (const { usage_source, outcome, cost_pico, reserved_pico } of rows) {
    assert.deepEqual([usage_source, outcome], ["reserved", "expired"]);
    assert.equal(cost_pico, reserved_pico);
  }
}

async function inFlight({ url }: Tollgate): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^tollgate_calls_in_flight(?:\{[^}]*\})? (\d+)$/m.exec(metrics)?.[1]);
}

/** Repeatable numbers from 0 to 2^31 (Lehmer). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state;
  };
}

test("a frozen Redis or PostgreSQL never hangs a request", { skip, timeout: 90_000 }, async (t) => {
  const services = await startServices();
  t.after(() => services.stop());
  await using upstream = await startUpstream();
  await using server = await startTollgate({
    env: {
      DATABASE_URL: services.databaseUrl,
      REDIS_URL: services.redisUrl,
      SECRET_KEY,
      ...upstream.env,
      ...dearByDefault,
      KEY_RATE_LIMIT_PER_MINUTE: "100000",
      KEY_RATE_LIMIT_BURST: "100000",
      IP_RATE_LIMIT_PER_MINUTE: "",
    },
  });
  const project = await server.ask<{ id: number }>("projects", "create", "--name", "p", "--budget", "100");
  const free = caller(server.url, await issueKey(server));
  const budgeted = caller(server.url, await issueKey(server, "--project", String(project.id)));
  const unknown = caller(server.url, "sk-unknown");
  const requests = [
    () => free.chat(),
    () => free.chat({ stream: true }),
    () => budgeted.chat(),
    () => free.get("/v1/models"),
    () => free.get("/health/costs/daily"),
    () => unknown.chat(),
    () => free.get("/readyz"),
  ];
  const answers = (limitMs: number) =>
    Promise.all(requests.map((ask) => within(limitMs, outcomeOf(ask()), "a request")));
  const healthy = [200, 200, 200, 200, 200, 401, 200];
  const works = async () => (await answers(5_000)).every(({ status }, index) => status === healthy[index]);
  assert.ok(await works());

  /** Every kind of request, wave after wave, as long as the service is frozen. */
  const underFreeze = async (pid: number, check: (outcome: Outcome) => void) => {
    const thaw = freeze(pid);
    t.after(thaw);
    const frozenAt = performance.now();
    let slowestMs = 0;
    while (performance.now() < frozenAt + FROZEN_MS) {
      const startedAt = performance.now();
      for (const outcome of await answers(LONGEST_ANSWER_MS)) check(outcome);
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    }
    thaw();
    return Math.round(slowestMs);
  };

  await t.test("with Redis frozen everything is answered as before", async (t) => {
    const slowest = await underFreeze(services.redisPid, ({ status }) =>
      assert.ok(status === 200 || status === 401, `answered ${status}`),
    );
    t.diagnostic(`slowest answer ${slowest} ms`);
    await until(works);
  });

  await t.test("with PostgreSQL frozen it is answered or 503 STORE_UNAVAILABLE", async (t) => {
    const slowest = await underFreeze(services.postgresPid, ({ status, code }) =>
      assert.ok(
        [200, 401].includes(status) || (status === 503 && [undefined, "STORE_UNAVAILABLE"].includes(code)),
        `answered ${status} ${code}`,
      ),
    );
    t.diagnostic(`slowest answer ${slowest} ms`);
    await until(works);
  });

  await t.test("after both, the ledger has every call that the upstream served", async () => {
    assert.equal(await server.stop(), 0);
    const { ledger, reservations } = await readBooksAt(services.databaseUrl);
    assert.deepEqual(reservations, []);
    const billed = ledger.filter(({ cost_pico }) => cost_pico !== "0");
    assert.ok(
      billed.length >= upstream.calls.length,
      `${billed.length} rows, ${upstream.calls.length} calls`,
    );
    assert.ok(spentPico(ledger) >= billedPico(upstream.calls));
  });
});
