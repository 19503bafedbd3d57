// What becomes slower as the ledger grows: the same work on the same organisation's books, small and large, in turns.
import { sql } from "kysely";
import { checkBooks, driftOf } from "../gateway/src/costs/verify.ts";
import { systemClock } from "../gateway/src/lib/clock.ts";
import { migrate } from "../gateway/src/store/migrate.ts";
import { openPostgres } from "../gateway/src/store/postgres.ts";
import type { Store } from "../gateway/src/store/store.ts";
import { startServices } from "../scripts/services.ts";
import { fillBooks } from "./scale.fill.ts";
import { parseScaleOptions, type ScaleOptions, scaleUsage } from "./scale.options.ts";
import { measureAll } from "./scale.rounds.ts";
import { isAsExpected, type Measured, scaleTable } from "./scale.table.ts";
import { readsOf, writesOf } from "./scale.work.ts";

const POOL_SIZE = 10;

function report(progress: string): void {
  process.stderr.write(`${progress}\n`);
}

/** A filled database of its own, proven to agree before anything is timed. */
async function openBooks(
  url: string,
  rows: number,
  now: number,
  stack: AsyncDisposableStack,
): Promise<Store> {
  const server = await openPostgres({ url, poolSize: 1, clock: systemClock });
  const name = `books_${rows}`;
  await sql.raw(`create database ${name}`).execute(server.maintenance);
  await server.close();
  const store = await openPostgres({
    url: url.replace(/[^/]*$/, name),
    poolSize: POOL_SIZE,
    clock: systemClock,
  });
  stack.defer(() => store.close());
  await migrate(store);
  await fillBooks(store.maintenance, rows, now);
  const drift = driftOf(await checkBooks(store.maintenance));
  if (drift.length > 0)
    throw new Error(`the books of ${rows} rows differ: ${JSON.stringify(drift.slice(0, 3))}`);
  return store;
}

async function run(options: ScaleOptions, stack: AsyncDisposableStack): Promise<readonly Measured[]> {
  const now = systemClock.now();
  const services = await startServices({ durable: true });
  stack.defer(() => services.stop());
  const stores: Store[] = [];
  for (const rows of options.rows) {
    report(`filling ${rows} rows`);
    stores.push(await openBooks(services.databaseUrl, rows, now, stack));
  }
  const books = stores.map(({ db }) => ({ db, now }));
  const setting = { ...options, report };
  const reads = await measureAll(books.map(readsOf), setting);
  const writes = await measureAll(await Promise.all(books.map(writesOf)), setting);
  return [...writes, ...reads];
}

/** Answers the exit code: 0 if nothing grows that should be flat, else 1, 2 for options nobody knows. */
async function main(): Promise<number> {
  let options: ScaleOptions;
  try {
    options = parseScaleOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${scaleUsage}`);
    return 2;
  }
  await using stack = new AsyncDisposableStack();
  const all = await run(options, stack);
  console.log(scaleTable(options.rows, all));
  return all.every(isAsExpected) ? 0 : 1;
}

process.exit(await main());
