import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { sql, type Transaction } from "kysely";
import type { Store } from "./store.ts";
import type { Tables } from "./tables.ts";

/** A numbered pair of files, `NNNN_name.up.sql` and `NNNN_name.down.sql`. `sha256` is that of the up file. */
export type Migration = {
  readonly name: string;
  readonly up: string;
  readonly down: string;
  readonly sha256: string;
};

export type MigrationStatus = { readonly applied: readonly string[]; readonly pending: readonly string[] };

/** The files and the database disagree about what was applied; nothing was changed. */
export class MigrationRefused extends Error {
  override readonly name = "MigrationRefused";
}

/** Any number, the same in every process. */
const LOCK = 7_655_410_218;

/** Applies what is pending, in order, all or nothing; several processes may start at once. Returns the names. */
export async function migrate(
  store: Store,
  migrations?: readonly Migration[],
  onApplied: (done: number, total: number) => void = () => {},
): Promise<string[]> {
  return await locked(store, migrations, async (tx, known, applied) => {
    const pending = known.slice(applied.length);
    for (const [index, { name, up, sha256 }] of pending.entries()) {
      await sql.raw(up).execute(tx);
      await sql`insert into schema_migrations (name, sha256) values (${name}, ${sha256})`.execute(tx);
      onApplied(index + 1, pending.length);
    }
    return pending.map((migration) => migration.name);
  });
}

/** Takes back the newest `steps` migrations, newest first, all or nothing. Their data is lost. Returns the names. */
export async function migrateDown(
  store: Store,
  steps: number,
  migrations?: readonly Migration[],
): Promise<string[]> {
  return await locked(store, migrations, async (tx, known, applied) => {
    const doomed = known.slice(Math.max(0, applied.length - steps), applied.length).reverse();
    for (const { name, down } of doomed) {
      await sql.raw(down).execute(tx);
      await sql`delete from schema_migrations where name = ${name}`.execute(tx);
    }
    return doomed.map((migration) => migration.name);
  });
}

export async function migrationStatus(
  store: Store,
  migrations?: readonly Migration[],
): Promise<MigrationStatus> {
  return await locked(store, migrations, async (_tx, known, applied) => ({
    applied,
    pending: known.slice(applied.length).map((migration) => migration.name),
  }));
}

/** The migrations of a folder in the order of their numbers; of this version by default. */
export async function readMigrations(
  folder = new URL("./migrations/", import.meta.url),
): Promise<Migration[]> {
  const ups = (await readdir(folder)).filter((file) => /^\d{4}_\w+\.up\.sql$/.test(file)).sort();
  return await Promise.all(
    ups.map(async (file) => {
      const name = file.slice(0, -".up.sql".length);
      const up = await readFile(new URL(file, folder), "utf8");
      const down = await readFile(new URL(`${name}.down.sql`, folder), "utf8");
      return { name, up, down, sha256: createHash("sha256").update(up).digest("hex") };
    }),
  );
}

async function locked<T>(
  store: Store,
  migrations: readonly Migration[] | undefined,
  work: (tx: Transaction<Tables>, known: readonly Migration[], applied: readonly string[]) => Promise<T>,
): Promise<T> {
  const known = migrations ?? (await readMigrations());
  return await store.maintenance.transaction().execute(async (tx) => {
    await sql`set local statement_timeout = 0`.execute(tx);
    await sql`select pg_advisory_xact_lock(${sql.lit(LOCK)})`.execute(tx);
    await sql`create table if not exists schema_migrations (
      name text primary key, sha256 text not null, applied_at timestamptz not null default now())`.execute(
      tx,
    );
    const { rows } = await sql<{ name: string; sha256: string }>`
      select name, sha256 from schema_migrations order by name`.execute(tx);
    refuseUnlessPrefix(known, rows);
    return await work(
      tx,
      known,
      rows.map((row) => row.name),
    );
  });
}

/** What was applied must be the first of what is known, unchanged. */
function refuseUnlessPrefix(
  known: readonly Migration[],
  applied: readonly { name: string; sha256: string }[],
) {
  for (const [index, row] of applied.entries()) {
    const migration = known.find((each) => each.name === row.name);
    if (migration === undefined)
      throw new MigrationRefused(
        `The database holds migration ${row.name}, which this version does not know. Run the version that applied it.`,
      );
    if (migration.sha256 !== row.sha256)
      throw new MigrationRefused(
        `Migration ${row.name} was changed after it had been applied. Restore the file and add a new migration.`,
      );
    if (known[index] !== migration)
      throw new MigrationRefused(
        `Migration ${known[index]?.name} is older than ${row.name}, which is applied already. Give it a newer number.`,
      );
  }
}
