import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { sql } from "kysely";
import {
  type Migration,
  MigrationRefused,
  migrate,
  migrateDown,
  migrationStatus,
  readMigrations,
} from "./migrate.ts";
import type { Store } from "./store.ts";
import type { TestStore } from "./testing.ts";

/** Migrations on a database that already holds those of this version. */
export function migrateContract(open: () => Promise<TestStore>, options: { skip: string | false }): void {
  suite("migrations", options, () => {
    let store: TestStore;
    let shipped: Migration[];
    before(async () => {
      store = await open();
      shipped = await readMigrations();
    });
    after(() => store.close());

    const more = (count = 2): Migration[] => [
      ...shipped,
      ...Array.from({ length: count }, (_, index) => {
        const table = `extra_${index}`;
        return {
          name: `90${index}0_${table}`,
          up: `-- one; two\ncreate table ${table} (i int);\ninsert into ${table} values (1);\n`,
          down: `drop table ${table};`,
          sha256: `${index}`,
        };
      }),
    ];

    test("everything that ships goes down and up again", async () => {
      const names = shipped.map((migration) => migration.name);
      assert.deepEqual(await migrationStatus(store), { applied: names, pending: [] });
      assert.deepEqual(await migrateDown(store, names.length), names.toReversed());
      assert.deepEqual(await tables(store), ["schema_migrations"]);
      assert.deepEqual(await migrationStatus(store), { applied: [], pending: names });
      assert.deepEqual(await migrate(store), names);
      assert.deepEqual(await migrate(store), []);
    });

    test("of four processes that start at once one applies what is pending", async () => {
      const applied = await Promise.all([1, 2, 3, 4].map(() => migrate(store, more())));
      assert.deepEqual(applied.map((names) => names.length).sort(), [0, 0, 0, 2]);
      assert.deepEqual(await migrateDown(store, 1, more()), ["9010_extra_1"]);
      assert.deepEqual((await migrationStatus(store, more())).pending, ["9010_extra_1"]);
      assert.deepEqual(await migrateDown(store, 1, more()), ["9000_extra_0"]);
    });

    test("a failing migration takes back everything applied with it", async () => {
      const broken = {
        name: "9990_broken",
        up: "create table broken (i int); select 1 / 0",
        down: "",
        sha256: "x",
      };
      const before = await tables(store);
      await assert.rejects(migrate(store, [...more(1), broken]), { code: "22012" });
      assert.deepEqual(await tables(store), before);
    });

    test("a file that was changed after it had been applied is refused", async () => {
      const edited = shipped.map((migration) => ({ ...migration, sha256: "edited" }));
      await assert.rejects(migrate(store, edited), MigrationRefused);
      await assert.rejects(migrateDown(store, 1, edited), /was changed/);
    });

    test("a database of a newer version is refused", async () => {
      await migrate(store, more(1));
      await assert.rejects(migrate(store, shipped), /does not know/);
      await migrateDown(store, 1, more(1));
    });

    test("a migration that slips in before an applied one is refused", async () => {
      const early = { name: "0000_early", up: "select 1", down: "select 1", sha256: "0" };
      await assert.rejects(migrate(store, [early, ...shipped]), /newer number/);
    });
  });
}

async function tables(store: Store): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public' order by 1`.execute(
    store.db,
  );
  return rows.map((row) => row.name);
}
