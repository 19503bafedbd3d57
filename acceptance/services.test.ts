import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../gateway/src/lib/until.testing.ts";
import { startServices } from "../scripts/services.ts";
import { burst, type Outcome, outcomeOf } from "./burst.ts";
import { type Caller, caller } from "./caller.ts";
import { DOLLAR_MODEL, spendOneDollar } from "./dollar.ts";
import { readBooks, readBooksAt, spentPico } from "./ledger.ts";
import { startTollgate, type Tollgate, type Variables } from "./server.ts";
import { freeze, newStores, SECRET_KEY, type Stores, withoutStores } from "./stores.ts";
import { billedPico, dearByDefault, startUpstream, type Upstream } from "./upstream.ts";
import { within } from "./within.ts";

const skip = withoutStores();
const noBuckets = { KEY_RATE_LIMIT_PER_MINUTE: "", IP_RATE_LIMIT_PER_MINUTE: "" };
const FROZEN_MS = 4_000;
const LONGEST_ANSWER_MS = 3_500;

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
  const outcomes = await burst(pair.callers(credential), 200, () => ({}));
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
  const { a, upstream, stores, callers } = pair;

  await t.test("a daily quota of 20 lets exactly 20 of a burst of 200 through", async () => {
    await assertTwentyPass(pair, await issueKey(a, "--daily-quota", "20"), "QUOTA_EXCEEDED");
  });

  await t.test("a key revoked on one instance is refused on the other within a second", async () => {
    const key = await issueKey(a);
    for (const us of callers(key)) assert.equal((await outcomeOf(us.chat())).status, 200);
    await a.ask("keys", "revoke", key);
    for (const us of callers(key)) {
      await until(async () => (await outcomeOf(us.chat())).code === "AUTH_INVALID", { limitMs: 1_000 });
    }
  });

  await t.test("1,000 concurrent calls never spend more than a budget of $1.00, and use it up", async (t) => {
    const project = await a.ask<{ id: number }>("projects", "create", "--name", "dollar", "--budget", "1.00");
    const key = await issueKey(a, "--project", String(project.id));
    const billed = await spendOneDollar(t, { callers: callers(key), upstream, count: 1000 });
    const { ledger, reservations } = await readBooks(stores.db);
    const rows = ledger.filter(({ model }) => model === DOLLAR_MODEL);
    assert.deepEqual(reservations, []);
    assert.equal(rows.length, upstream.calls.filter(({ model }) => model === DOLLAR_MODEL).length);
    assert.equal(spentPico(rows), billed);
  });

  await t.test("after kill -9 with 200 calls in flight none is missing", (t) => killInFlight(t, pair));
});

async function killInFlight(t: TestContext, { a, b, upstream, stores, callers }: Pair): Promise<void> {
  const [toA, toB] = callers(await issueKey(b));
  const streamed = Array.from({ length: 100 }, (_, index) => `sim-slow-${index + 10}tps`);
  const delayed = Array.from({ length: 100 }, (_, index) => `sim-delay-${60_000 + index}ms`);
  const wanted = [...streamed, ...delayed].sort();
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
  // A request that was still on its way at the kill is in nobody's log; all that arrived are in it soon.
  await unchanged(() => upstream.calls.length);

  const namesOf = (rows: readonly { readonly model: string }[]) =>
    rows.map(({ model }) => model).filter((model) => wanted.includes(model));
  const early = await readBooks(stores.db);
  const found = new Set([...namesOf(early.ledger), ...namesOf(early.reservations)]);
  assert.deepEqual([...found].sort(), wanted);
  const heard = namesOf(upstream.calls.slice(from));
  t.diagnostic(`${heard.length} calls in the upstream's log, ${early.reservations.length} reservations open`);
  assert.ok(heard.length > 0 && heard.every((model) => found.has(model)));

  assert.match(await (await survivor).text(), /\[DONE\]\n\n$/);
  await until(async () => (await readBooks(stores.db)).reservations.length === 0);
  const { ledger } = await readBooks(stores.db);
  assert.deepEqual(namesOf(ledger).sort(), wanted);
  for (const row of ledger.filter(({ model }) => wanted.includes(model))) {
    assert.deepEqual([row.usage_source, row.outcome], ["reserved", "unsettled"]);
    assert.equal(row.cost_pico, row.reserved_pico);
  }
}

/** Waits until `read` has said the same for half a second. */
async function unchanged(read: () => number): Promise<void> {
  let known = read();
  let since = performance.now();
  await until(() => {
    if (read() !== known) [known, since] = [read(), performance.now()];
    return performance.now() - since > 500;
  });
}

async function inFlight({ url }: Tollgate): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^tollgate_calls_in_flight(?:\{[^}]*\})? (\d+)$/m.exec(metrics)?.[1]);
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
      RESERVATION_TTL_SECONDS: "3",
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
  const healthy = [200, 200, 200, 200, 200, 401, 200];
  const answers = () =>
    Promise.all(requests.map((ask) => within(LONGEST_ANSWER_MS, outcomeOf(ask()), "a request")));
  const works = async () => (await answers()).every(({ status }, index) => status === healthy[index]);
  assert.ok(await works());

  /** Every kind of request, wave after wave, as long as the service is frozen; then it must all work again. */
  const underFreeze = async (t: TestContext, pid: number, check: (outcome: Outcome) => void) => {
    const thaw = freeze(pid);
    t.after(thaw);
    const frozenAt = performance.now();
    let slowestMs = 0;
    while (performance.now() < frozenAt + FROZEN_MS) {
      const startedAt = performance.now();
      for (const outcome of await answers()) check(outcome);
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    }
    thaw();
    const thawedAt = performance.now();
    await until(works);
    const recoveryMs = performance.now() - thawedAt;
    t.diagnostic(`slowest answer ${Math.round(slowestMs)} ms, recovered in ${Math.round(recoveryMs)} ms`);
  };

  await t.test("with Redis frozen everything is answered as before", (t) =>
    underFreeze(t, services.redisPid, ({ status }) =>
      assert.ok(status === 200 || status === 401, `answered ${status}`),
    ),
  );

  await t.test("with PostgreSQL frozen it is answered, or refused with 503", (t) =>
    underFreeze(t, services.postgresPid, ({ status, code = "STORE_UNAVAILABLE" }) =>
      assert.ok(
        [200, 401].includes(status) || (status === 503 && code === "STORE_UNAVAILABLE"),
        `answered ${status} ${code}`,
      ),
    ),
  );

  await t.test("after both the ledger says what the upstream billed", async () => {
    await until(async () => (await readBooksAt(services.databaseUrl)).reservations.length === 0);
    assert.equal(await server.stop(), 0);
    const { ledger } = await readBooksAt(services.databaseUrl);
    assert.equal(ledger.filter(({ cost_pico }) => cost_pico !== "0").length, upstream.calls.length);
    assert.equal(spentPico(ledger), billedPico(upstream.calls));
  });
});
