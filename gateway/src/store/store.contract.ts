import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { sql } from "kysely";
import type { Store } from "./store.ts";
import type { TestStore } from "./testing.ts";

/** What both databases promise alike. `open` gives a migrated store of its own. */
export function storeContract(open: () => Promise<TestStore>, options: { skip: string | false }): void {
  suite("store contract", options, () => {
    let store: TestStore;
    before(async () => {
      store = await open();
      await sql`create table notes (
        id bigint generated always as identity primary key, word text unique, amount numeric(38, 0), day date,
        at timestamptz, body jsonb, bytes bytea, ids bigint[], words text[], flag boolean,
        loud text generated always as (upper(word)) stored)`.execute(store.db);
    });
    after(() => store.close());

    test("int8 is a number, and one that a number cannot hold exactly is an error", async () => {
      const most = String(Number.MAX_SAFE_INTEGER);
      assert.equal(await value(store, sql`${most}::bigint`), Number.MAX_SAFE_INTEGER);
      await assert.rejects(value(store, sql`9007199254740993::bigint`), /exactly/);
      assert.equal(await value(store, sql`1::bigint`), 1);
      assert.equal(await value(store, sql`(select count(*) from notes)`), 0);
    });

    test("numeric keeps all 38 digits as text", async () => {
      const digits = "12345678901234567890123456789012345678";
      assert.equal(await value(store, sql`${digits}::numeric(38, 0)`), digits);
      assert.equal(await value(store, sql`${BigInt(digits)}::numeric(38, 0)`), digits);
      assert.equal(await value(store, sql`sum(n) from (values (1::bigint), (2)) as t (n)`), "3");
    });

    test("a date is text, a timestamptz is a Date to the millisecond, and days are UTC days", async () => {
      const at = new Date("2026-03-29T00:30:00.123Z");
      assert.equal(await value(store, sql`${"2026-03-29"}::date`), "2026-03-29");
      assert.deepEqual(await value(store, sql`${at}::timestamptz`), at);
      assert.equal(await value(store, sql`${at}::timestamptz::date`), "2026-03-29");
    });

    test("bytea is a Uint8Array", async () => {
      const bytes = Uint8Array.of(0, 1, 127, 128, 255);
      assert.deepEqual(await value(store, sql`${bytes}::bytea`), bytes);
      assert.deepEqual(await value(store, sql`${Buffer.from(bytes)}::bytea`), bytes);
      assert.deepEqual(await value(store, sql`${new Uint8Array()}::bytea`), new Uint8Array());
    });

    test("arrays of integers and of text come back as they went", async () => {
      assert.deepEqual(await value(store, sql`${[1, 2, Number.MAX_SAFE_INTEGER]}::bigint[]`), [
        1,
        2,
        Number.MAX_SAFE_INTEGER,
      ]);
      assert.deepEqual(await value(store, sql`${[]}::bigint[]`), []);
      const words = ["plain", "a,b", 'quo"te', "back\\slash", "", "NULL", "{}"];
      assert.deepEqual(await value(store, sql`${words}::text[]`), words);
      assert.equal(await value(store, sql`${7} = any(${[5, 7]}::bigint[])`), true);
    });

    test("JSON is written as text and read parsed", async () => {
      const body = [{ deep: { list: [1, "two", null, true] } }];
      assert.deepEqual(await value(store, sql`${JSON.stringify(body)}::jsonb`), body);
      const rows = await sql<{ id: number; amount: string }>`
        select * from jsonb_to_recordset(${JSON.stringify([{ id: 1, amount: "99999999999999999999" }])}::jsonb)
          as t (id bigint, amount numeric)`.execute(store.db);
      assert.deepEqual(rows.rows, [{ id: 1, amount: "99999999999999999999" }]);
    });

    test("nulls are null and booleans are booleans", async () => {
      assert.equal(await value(store, sql`null::bigint`), null);
      assert.equal(await value(store, sql`${null}::text`), null);
      assert.equal(await value(store, sql`${false}::boolean`), false);
    });

    test("an insert gives back its generated columns and says how many rows it changed", async () => {
      const inserted = await sql<{ id: number; loud: string }>`
        insert into notes (word) values ('quiet'), ('still') returning id, loud`.execute(store.db);
      assert.deepEqual(
        inserted.rows.map((row) => row.loud),
        ["QUIET", "STILL"],
      );
      assert.equal(inserted.numAffectedRows, 2n);
      const updated = await sql`update notes set flag = true where word = 'none'`.execute(store.db);
      assert.equal(updated.numAffectedRows, 0n);
    });

    test("a refused row names its SQLSTATE and its constraint", async () => {
      await sql`insert into notes (word) values ('unique')`.execute(store.db);
      await assert.rejects(sql`insert into notes (word) values ('unique')`.execute(store.db), {
        code: "23505",
        constraint: "notes_word_key",
        table: "notes",
      });
      await assert.rejects(sql`select from no_such_table`.execute(store.db), { code: "42P01" });
      await assert.rejects(value(store, sql`1 / ${0}::int`), { code: "22012" });
    });

    test("a refused transaction leaves nothing, and the next one works", async () => {
      const refused = store.db.transaction().execute(async (tx) => {
        await sql`insert into notes (word) values ('ghost')`.execute(tx);
        await sql`insert into notes (word) values ('ghost')`.execute(tx);
      });
      await assert.rejects(refused, { code: "23505" });
      const thrown = store.db.transaction().execute(async (tx) => {
        await sql`insert into notes (word) values ('ghost')`.execute(tx);
        throw new Error("changed my mind");
      });
      await assert.rejects(thrown, /changed my mind/);
      assert.equal(await count(store, "ghost"), 0);
    });

    test("a transaction whose failed statement was ignored does not pretend to commit", async () => {
      const aborted = store.db.transaction().execute(async (tx) => {
        await sql`insert into notes (word) values ('half')`.execute(tx);
        await sql`select 1 / 0`.execute(tx).catch(() => {});
      });
      await assert.rejects(aborted);
      assert.equal(await count(store, "half"), 0);
    });

    test("a savepoint takes back only what followed it", async () => {
      const tx = await store.db.startTransaction().execute();
      await sql`insert into notes (word) values ('kept')`.execute(tx);
      const point = await tx.savepoint("here").execute();
      await sql`insert into notes (word) values ('dropped')`.execute(point);
      const back = await point.rollbackToSavepoint("here").execute();
      await back.commit().execute();
      assert.equal(await count(store, "kept"), 1);
      assert.equal(await count(store, "dropped"), 0);
    });

    test("nobody sees a transaction before it commits", async () => {
      const written = Promise.withResolvers<void>();
      const mayCommit = Promise.withResolvers<void>();
      const transaction = store.db.transaction().execute(async (tx) => {
        await sql`insert into notes (word) values ('secret')`.execute(tx);
        written.resolve();
        await mayCommit.promise;
      });
      await written.promise;
      const reading = count(store, "secret");
      // PGlite has one connection: the reader waits for the transaction and then sees all of it.
      if (store.kind === "postgres") await reading;
      mayCommit.resolve();
      await transaction;
      assert.equal(await reading, store.kind === "postgres" ? 0 : 1);
    });

    test("concurrent transactions on one row lose no update", async () => {
      await sql`insert into notes (word, amount) values ('counter', 0)`.execute(store.db);
      const increments = Array.from({ length: 40 }, () =>
        store.db.transaction().execute(async (tx) => {
          const { rows } = await sql<{ amount: string }>`
            select amount from notes where word = 'counter' for update`.execute(tx);
          await sql`update notes set amount = ${BigInt(rows[0]!.amount) + 1n} where word = 'counter'`.execute(
            tx,
          );
        }),
      );
      await Promise.all(increments);
      assert.equal(await value(store, sql`(select amount from notes where word = 'counter')`), "40");
    });

    test("a text without parameters may hold several statements", async () => {
      await sql
        .raw("create table first (i int); create table second (i int); insert into first values (1)")
        .execute(store.maintenance);
      assert.equal(await value(store, sql`(select count(*) from first)`), 1);
      await sql.raw("drop table first; drop table second").execute(store.maintenance);
    });

    test("a committed notification reaches every listener, one rolled back reaches none", async () => {
      const heard: string[] = [];
      const hello = Promise.withResolvers<void>();
      const end = Promise.withResolvers<void>();
      const stopFirst = await store.listen("news", (payload) => {
        heard.push(`first ${payload}`);
      });
      const stopSecond = await store.listen("news", (payload) => {
        heard.push(`second ${payload}`);
        (payload === "hello" ? hello : end).resolve();
      });
      const ghost = store.db.transaction().execute(async (tx) => {
        await sql`select pg_notify('news', 'ghost')`.execute(tx);
        throw new Error("rolled back");
      });
      await assert.rejects(ghost);
      await store.db.transaction().execute((tx) => sql`select pg_notify('news', 'hello')`.execute(tx));
      await hello.promise;
      await stopFirst();
      await sql`notify news, 'end'`.execute(store.db);
      await end.promise;
      await stopSecond();
      assert.deepEqual(heard, ["first hello", "second hello", "second end"]);
    });

    test("the migrated tables are typed as they are stored", async () => {
      const created_at = new Date("2026-01-02T03:04:05.678Z");
      await store.db
        .insertInto("users")
        .values({ id: "usr_a", name: "A", role: "admin", created_at })
        .execute();
      const budget = { scope: "user", scope_id: "usr_a", allocated_pico: "5", created_at } as const;
      const row = await store.db
        .insertInto("budgets")
        .values(budget)
        .returningAll()
        .executeTakeFirstOrThrow();
      assert.deepEqual(
        { ...row, id: typeof row.id },
        {
          ...budget,
          id: "number",
          period: "none",
          period_start: null,
          spent_pico: "0",
          reserved_pico: "0",
        },
      );
      await assert.rejects(store.db.insertInto("budgets").values(budget).execute(), { code: "23505" });
    });
  });
}

async function value(store: Store, expression: ReturnType<typeof sql>): Promise<unknown> {
  const { rows } = await sql<{ value: unknown }>`select ${expression}`.execute(store.db);
  return Object.values(rows[0] ?? {})[0];
}

async function count(store: Store, word: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from notes where word = ${word}`.execute(
    store.db,
  );
  return rows[0]?.n ?? 0;
}
