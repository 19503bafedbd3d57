import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../gateway/src/lib/until.testing.ts";
import { type Services, startServices } from "../scripts/services.ts";
import { type Caller, caller } from "./caller.ts";
import { assertBooked, type Charge, charge, chargeOf } from "./charges.ts";
import { readBooksAt } from "./ledger.ts";
import { startTollgate, type Tollgate } from "./server.ts";
import { freeze, SECRET_KEY, withoutStores } from "./stores.ts";
import { startUpstreamApart, type UpstreamApart } from "./upstream.apart.ts";
import { dearByDefault } from "./upstream.ts";
import { within } from "./within.ts";

const skip = withoutStores();
const CLIENTS = 8;
/** Three statements in a row may each wait two seconds for the database. */
const LONGEST_ANSWER_MS = 9_000;
const PAUSE_AFTER_REFUSAL_MS = 50;
const RUNNING = 10;

let services: Services;
let upstream: UpstreamApart;
let server: Tollgate;
let us: Caller;
let clients: Promise<unknown>;
let isOver = false;
let outages = 0;
const charges: Charge[] = [];

before(async () => {
  if (skip !== false) return;
  services = await startServices({ durable: true });
  upstream = await startUpstreamApart();
  server = await startTollgate({
    env: {
      ...{ DATABASE_URL: services.databaseUrl, REDIS_URL: services.redisUrl, SECRET_KEY },
      ...{ ...upstream.env, ...dearByDefault, RESERVATION_TTL_SECONDS: "3" },
      ...{ KEY_RATE_LIMIT_PER_MINUTE: "", IP_RATE_LIMIT_PER_MINUTE: "", ABUSE_MODE: "off" },
      OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
    },
  });
  await server.ask("projects", "create", "--name", "p", "--budget", "1000000");
  const { key } = await server.ask<{ key: string }>("keys", "issue", "--name", "k", "--project", "1");
  us = caller(server.url, key);
  let asked = 0;
  clients = Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (!isOver) {
        const told = await charge(us, asked++);
        charges.push(told);
        if (!told.isWhole) await pause(PAUSE_AFTER_REFUSAL_MS);
      }
    }),
  );
});
after(async () => {
  isOver = true;
  await server?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  await services?.stop();
});

test(
  "PostgreSQL frozen for 5 s: calls are refused in time, running ones are answered, and all goes on",
  {
    skip,
  },
  (t) =>
    outage(t, async () => {
      const thaw = freeze(services.postgresPid);
      t.after(thaw);
      await pause(5_000);
      thaw();
    }),
);

test(
  "PostgreSQL killed and started again: calls are refused in time, running ones are answered, and all goes on",
  {
    skip,
  },
  (t) =>
    outage(t, async () => {
      await services.killPostgres();
      await services.restartPostgres();
    }),
);

test(
  "PostgreSQL gone for 30 s: calls are refused in time, running ones are answered, and all goes on",
  {
    skip,
  },
  (t) =>
    outage(t, async () => {
      await services.killPostgres();
      await pause(30_000);
      await services.restartPostgres();
    }),
);

test("after all that every answered call is on the ledger exactly once, and a refused one costs nothing", {
  skip,
}, async (t) => {
  isOver = true;
  await clients;
  const reserved = async () =>
    (await server.ask<{ reserved_usd: string }>("budgets", "show", "project", "1")).reserved_usd;
  await until(async () => (await reserved()) === "0");
  assert.deepEqual((await server.ask<{ drift: unknown[] }>("verify")).drift, []);
  assert.equal(await server.stop(), 0);
  const calls = await upstream.closedBooks();
  const { ledger, reservations } = await readBooksAt(services.databaseUrl);
  assert.deepEqual(reservations, []);
  assert.deepEqual(assertBooked(ledger, calls, charges), []);
  const whole = charges.filter(({ isWhole }) => isWhole);
  t.diagnostic(`${whole.length} of ${charges.length} calls were answered`);
  assert.deepEqual([ledger.length, calls.length], [whole.length, whole.length]);
});

/** One outage, with calls that run when it begins and calls that come while it lasts. */
async function outage(t: TestContext, happens: () => Promise<void>): Promise<void> {
  const first = charges.length;
  const number = RUNNING * outages++;
  const models = Array.from({ length: RUNNING }, (_, index) =>
    index % 2 === 0 ? `sim-slow-${60 + number + index}tps` : `sim-delay-${3_000 + number + index}ms`,
  );
  const running = Promise.all(models.map((model, index) => chargeOf(us, model, index % 4 === 0)));
  const reserved = async () => {
    const { reservations } = await readBooksAt(services.databaseUrl);
    return models.every((model) => reservations.some((one) => one.model === model));
  };
  await until(reserved);
  await happens();
  const backAt = performance.now();
  const known = charges.length;
  await until(() => charges.slice(known).some(({ isWhole }) => isWhole));
  const recoveryMs = performance.now() - backAt;

  const answered = await within(LONGEST_ANSWER_MS, running);
  for (const told of answered) assert.ok(told.isWhole, `${told.model}: ${told.status} ${told.code}`);
  const met = charges.slice(first);
  charges.push(...answered);
  for (const { status, code, isWhole, elapsedMs } of met) {
    assert.ok(isWhole || (status === 503 && code === "STORE_UNAVAILABLE"), `answered ${status} ${code}`);
    assert.ok(elapsedMs < LONGEST_ANSWER_MS, `answered after ${elapsedMs} ms`);
  }
  const refused = met.filter(({ isWhole }) => !isWhole).length;
  const slowestMs = Math.max(...met.map(({ elapsedMs }) => elapsedMs));
  t.diagnostic(
    `${refused} of ${met.length} refused, the slowest answer took ${Math.round(slowestMs)} ms, recovered in ${Math.round(recoveryMs)} ms`,
  );
}
