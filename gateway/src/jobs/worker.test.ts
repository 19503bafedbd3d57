import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { sql } from "kysely";
import { identityDeps, tester } from "../identity/testing.ts";
import { TollgateError } from "../lib/errors.ts";
import { until } from "../lib/until.testing.ts";
import { StoreUnavailable } from "../store/outages.ts";
import type { Db } from "../store/tables.ts";
import { testStore } from "../store/testing.ts";
import { cancelJob } from "./by-hand.ts";
import type { Perform } from "./in-hand.ts";
import { attemptsOf } from "./read.ts";
import { enqueued, projectFor, statusOf, testWorker } from "./testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const project = await projectFor(db);
beforeEach(async () => {
  await sql`truncate jobs, job_attempts restart identity`.execute(db);
});

const rowOf = (id: number) =>
  db.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
const is = (id: number, status: string) =>
  until(async () => (await statusOf(db, id)) === status, { what: () => `job ${id} to be ${status}` });

/** Until the signal aborts, whose reason it throws. */
const endless: Perform = (_job, signal) =>
  new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(new Error(String(signal.reason)))),
  );

test("a job that is made is done at once, and its result is kept", async (t) => {
  testWorker(t, { store, perform: async ({ payload }) => ({ text: payload.text }) });
  const began = performance.now();
  const id = await enqueued(db, project, { payload: { text: "Hello" } });
  await is(id, "completed");
  assert.ok(performance.now() - began < 900, "it was heard of, not found by looking");
  assert.deepEqual((await rowOf(id)).result, { text: "Hello" });
});

test("a worker does as many jobs at a time as it may, and no more", async (t) => {
  let running = 0;
  let most = 0;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const perform: Perform = async () => {
    most = Math.max(most, ++running);
    await released;
    running--;
  };
  for (let index = 0; index < 20; index++) await enqueued(db, project);
  testWorker(t, { store, perform, concurrency: 3 });
  await until(() => running === 3);
  release();
  await until(
    async () =>
      (await db.selectFrom("jobs").select("id").where("status", "<>", "completed").execute()).length === 0,
  );
  assert.equal(most, 3);
});

test("a job that fails is tried again, and dies after its last retry", async (t) => {
  const told: string[] = [];
  const outcomes: string[] = [];
  const logged: unknown[] = [];
  testWorker(t, {
    store,
    perform: async () => {
      throw new Error("no luck");
    },
    announce: async (_tx, type) => void told.push(type),
    onAttempt: (_job, outcome) => void outcomes.push(outcome),
    onTrouble: (_what, error) => void logged.push(error),
  });
  const id = await enqueued(db, project, { maxRetries: 2 });
  await is(id, "dead_letter");
  const row = await rowOf(id);
  assert.deepEqual(
    [row.retry_count, row.failure_reason, row.last_error],
    [2, "max retries exceeded", "INTERNAL: Something went wrong here. It has been logged."],
  );
  assert.deepEqual(told, ["job.dead"]);
  assert.deepEqual(outcomes, ["failed", "failed", "failed"]);
  assert.deepEqual(
    logged.map((error) => (error as Error).message),
    ["no luck", "no luck", "no luck"],
  );
});

test("a provider that says when to come again costs no retry", async (t) => {
  let attempts = 0;
  testWorker(t, {
    store,
    perform: async () => {
      attempts++;
      if (attempts === 1) throw new TollgateError("PROVIDER_UNAVAILABLE", { retryAfterMs: 60_000 });
      return {};
    },
  });
  const id = await enqueued(db, project, { maxRetries: 0 });
  await is(id, "retrying");
  const { retry_count, next_retry_at } = await rowOf(id);
  const [attempt] = await attemptsOf(db, id);
  assert.equal(retry_count, 0);
  assert.equal(next_retry_at!.getTime() - attempt!.endedAt!.getTime(), 60_000);
  assert.equal(attempt!.outcome, "deferred");
  await sql`update jobs set next_retry_at = now()`.execute(db);
  await is(id, "completed");
});

test("a job that is put off again and again waits longer each time", async (t) => {
  testWorker(t, {
    store,
    perform: async () => {
      throw new TollgateError("PROVIDER_RATE_LIMITED", { retryAfterMs: undefined });
    },
  });
  const id = await enqueued(db, project, { maxRetries: 0 });
  const waits: number[] = [];
  for (let attempts = 1; attempts <= 3; attempts++) {
    await until(async () => (await attemptsOf(db, id))[attempts - 1]?.outcome === "deferred");
    const { next_retry_at } = await rowOf(id);
    waits.push(next_retry_at!.getTime() - (await attemptsOf(db, id)).at(-1)!.endedAt!.getTime());
    await sql`update jobs set next_retry_at = now()`.execute(db);
  }
  assert.deepEqual(waits, [15_000, 30_000, 60_000]);
  assert.equal((await rowOf(id)).retry_count, 0);
});

test("a job that no budget holds is blocked, and said to be", async (t) => {
  const told: string[] = [];
  testWorker(t, {
    store,
    perform: async () => {
      throw new TollgateError("BUDGET_EXCEEDED", { budget: "1" });
    },
    neededPico: () => 10n ** 30n,
    announce: async (_tx, type) => void told.push(type),
  });
  await sql`insert into budgets (scope, scope_id, allocated_pico, created_at) values ('project', ${String(project)}, 1000, now())`.execute(
    db,
  );
  const id = await enqueued(db, project);
  await is(id, "blocked");
  assert.equal((await rowOf(id)).failure_reason, "Project budget exceeded");
  assert.deepEqual(told, ["job.blocked"]);
  await sql`delete from budgets`.execute(db);
});

test("a job that runs and is cancelled stops within moments", async (t) => {
  testWorker(t, { store, perform: endless, leaseMs: 60_000 });
  const id = await enqueued(db, project);
  await is(id, "running");
  const { change } = identityDeps(db, 7);
  const by = { cause: tester, caller: { userId: "usr_ann", role: "developer" } as const };
  assert.equal((await cancelJob({ db, change }, by, id)).status, "running");
  await is(id, "cancelled");
  assert.equal((await attemptsOf(db, id))[0]!.outcome, "cancelled");
});

test("a lease goes on for as long as its job does", async (t) => {
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  testWorker(t, { store, perform: () => finished, leaseMs: 300 });
  const id = await enqueued(db, project);
  await is(id, "running");
  const leaseUntil = async () => (await rowOf(id)).lease_until!.getTime();
  const first = await leaseUntil();
  await until(async () => (await leaseUntil()) > first + 600);
  finish();
  await is(id, "completed");
  assert.equal((await attemptsOf(db, id)).length, 1);
});

test("a worker that stops gives back what it cannot finish, and no retry is used up", async (t) => {
  const first = testWorker(t, { store, perform: endless });
  const id = await enqueued(db, project);
  await is(id, "running");
  const closing = first.close(50);
  await is(id, "pending");
  await closing;
  const [attempt] = await attemptsOf(db, id);
  assert.deepEqual([(await rowOf(id)).retry_count, attempt!.outcome], [0, "given_back"]);
  testWorker(t, { store, perform: async () => ({}) });
  await is(id, "completed");
});

test("a handler that does not listen is given back all the same, and counts for nothing", async (t) => {
  let finish = () => {};
  const deaf: Perform = () => new Promise((resolve) => (finish = () => resolve({ late: true })));
  const worker = testWorker(t, { store, perform: deaf });
  const id = await enqueued(db, project);
  await is(id, "running");
  await worker.close(0);
  assert.equal(await statusOf(db, id), "pending");
  finish();
  testWorker(t, { store, perform: async () => ({ late: false }) });
  await is(id, "completed");
  assert.deepEqual((await rowOf(id)).result, { late: false });
});

/** The same database, out of reach for what `isAway` says, by the text of the statement. */
function unreliable(real: Db, isAway: (text: string) => boolean): Db {
  return real.withPlugin({
    transformQuery({ node }) {
      if (isAway(JSON.stringify(node))) throw new StoreUnavailable("out of reach");
      return node;
    },
    transformResult: async ({ result }) => result,
  });
}

test("a database that is away ends no worker, and a result that cannot be written is not made again", async (t) => {
  let isAway = true;
  let done = 0;
  const troubles: string[] = [];
  const away = unreliable(db, (text) => isAway && (done > 0 || /skip locked/.test(text)));
  testWorker(t, {
    store: { ...store, db: away },
    perform: async () => {
      done++;
      isAway = true;
      return { done };
    },
    leaseMs: 30_000,
    onTrouble: (what) => void troubles.push(what),
  });
  const id = await enqueued(db, project);
  await until(() => troubles.includes("claiming jobs failed and is tried again"));
  isAway = false;
  await until(() => troubles.includes("end of a job not written"));
  isAway = false;
  await is(id, "completed");
  assert.equal(done, 1);
  assert.deepEqual((await rowOf(id)).result, { done: 1 });
});

test("a worker that cannot extend its lease stops what it is doing", async (t) => {
  let isAway = false;
  const reasons: unknown[] = [];
  const worker = testWorker(t, {
    store: { ...store, db: unreliable(db, () => isAway) },
    perform: (_job, signal) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          reasons.push(signal.reason);
          reject(new Error("stopped"));
        }),
      ),
    leaseMs: 600,
    onTrouble: () => {},
  });
  const id = await enqueued(db, project);
  await is(id, "running");
  isAway = true;
  await until(() => reasons.length > 0);
  assert.deepEqual(reasons, ["lease lost"]);
  await worker.close(0);
  assert.equal(await statusOf(db, id), "running");
});
