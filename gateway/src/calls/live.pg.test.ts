import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { fraction, seededChance, systemChance } from "../lib/ids.ts";
import { until } from "../lib/until.testing.ts";
import { openPostgres } from "../store/postgres.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { announcer } from "../telemetry/notifier.outbox.ts";
import { administrator, instanceOf, listening } from "./live.testing.ts";

const EVENTS_PER_WRITER = 150;
const WRITERS = 4;
const announce = announcer({ clock: systemClock, chance: systemChance, always: [] });

test("while writers overlap and listeners come and go between two instances, everybody hears everything once, in one order", {
  skip: missing("postgres"),
}, async () => {
  await using store = await testPostgres();
  await using far = await openPostgres({ url: store.url, poolSize: 6, clock: systemClock }).then((other) => ({
    ...other,
    [Symbol.asyncDispose]: other.close,
  }));
  const chance = seededChance(5);
  const instances = [await instanceOf(store), await instanceOf(far)];
  const steady = instances.map((live) => {
    const one = listening();
    live.join(administrator, undefined, one);
    return one;
  });
  await until(() => steady.every(({ ready }) => ready.length === 1));

  /** Several events in a transaction, which may stay open while others come and go, or is undone. */
  async function write(writer: number): Promise<number> {
    let written = 0;
    for (let job = 0; job < EVENTS_PER_WRITER; job++) {
      const isUndone = fraction(chance) < 0.1;
      const db = writer % 2 === 0 ? store.db : far.db;
      await db
        .transaction()
        .execute(async (tx) => {
          await announce(tx, "job.dead", { job_id: writer * 1_000 + job, project_id: 1 });
          if (fraction(chance) < 0.2) await new Promise((resolve) => systemClock.after(15, () => resolve(0)));
          if (isUndone) throw new Error("undone");
        })
        .then(
          () => {
            written += 1;
          },
          () => {},
        );
    }
    return written;
  }

  /** Leaves after a few events, and goes on at the other instance. */
  await store.db.transaction().execute((tx) => announce(tx, "job.dead", { job_id: -1, project_id: 1 }));
  await until(() => steady.every(({ ids }) => ids.length === 1));
  const heard = [steady[0]!.ids[0]!];
  let isOver = false;
  async function wander(): Promise<void> {
    for (let turn = 0; !isOver || heard.length < steady[0]!.ids.length; turn++) {
      const one = listening();
      const leave = instances[turn % 2]!.join(administrator, heard.at(-1), one);
      const enough = 1 + Math.floor(fraction(chance) * 20);
      await until(() => one.ids.length >= enough || isOver, { limitMs: 20_000 });
      await until(() => one.ids.length > 0 || heard.length === steady[0]!.ids.length);
      leave();
      heard.push(...one.ids);
    }
  }
  const wandering = wander();
  const written = await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  const total = 1 + written.reduce((a, b) => a + b);
  await until(() => steady.every(({ ids }) => ids.length >= total), {
    what: () => `${total} events; there are ${steady.map(({ ids }) => ids.length)}`,
  });
  isOver = true;
  await wandering;

  assert.equal(steady[0]!.ids.length, total);
  assert.equal(new Set(steady[0]!.ids).size, total);
  assert.deepEqual(steady[1]!.ids, steady[0]!.ids);
  assert.deepEqual(heard, steady[0]!.ids);
  for (const live of instances) await live.close();
});

test("an event that waits for an older transaction is told as soon as that is over", {
  skip: missing("postgres"),
}, async () => {
  await using store = await testPostgres();
  const live = await instanceOf(store);
  const one = listening();
  live.join(administrator, undefined, one);
  await one.until(() => one.ready.length === 1);
  const older = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const holding = store.db.transaction().execute(async (tx) => {
    await tx.updateTable("auth_state").set({ key_cache_epoch: 0 }).execute();
    began.resolve();
    await older.promise;
  });
  await began.promise;
  await store.db.transaction().execute((tx) => announce(tx, "job.dead", { job_id: 1, project_id: 1 }));
  assert.deepEqual(one.ids, []);
  older.resolve();
  await holding;
  const endedAt = performance.now();
  await one.until(() => one.ids.length === 1);
  assert.ok(performance.now() - endedAt < 800);
  await live.close();
});
