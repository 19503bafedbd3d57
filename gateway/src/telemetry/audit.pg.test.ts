import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { readEpoch } from "../identity/users.ts";
import { fraction, seededChance } from "../lib/ids.ts";
import { missing, testPostgres } from "../store/testing.ts";
import {
  ann,
  appendEntries,
  auditDeps,
  chainOf,
  storedEntries,
  testMacKey,
  verifyAudit,
} from "./audit.testing.ts";

const skip = missing("postgres");

test("sixteen writers at once on PostgreSQL append one chain without forks", { skip }, async () => {
  await using store = await testPostgres();
  const writers = Array.from({ length: 16 }, (_, writer) => auditDeps(store.db, writer));
  await Promise.all(
    writers.map(async (writer) => {
      for (let written = 0; written < 25; written++) await appendEntries(writer, 1);
    }),
  );
  const stored = await storedEntries(store.db);
  const expected = chainOf(
    stored.map(({ entry }) => entry),
    testMacKey,
  );
  assert.equal(stored.length, 400);
  assert.deepEqual(
    stored.map(({ seq, hash, mac }) => ({ seq, hash, mac })),
    expected,
  );
});

test("changes of every kind at once never wait for each other in a circle", { skip }, async () => {
  await using store = await testPostgres();
  const { db } = store;
  const chance = seededChance(7);
  const ids = ["usr_a", "usr_b", "usr_c"];
  const users = ids.map((id) => ({ id, name: id, role: "developer" as const, created_at: new Date(0) }));
  await db.insertInto("users").values(users).execute();
  let raised = 0;
  let failed = 0;
  const changing = async (writer: number): Promise<void> => {
    const { change } = auditDeps(db, writer);
    for (let done = 0; done < 25; done++) {
      const [kind, who] = [fraction(chance), ids[Math.floor(3 * fraction(chance))]!];
      const target = { type: "user", id: who };
      const work = change(ann, async (tx, note) => {
        await sql`update users set name = name || '+' where id = ${who}`.execute(tx);
        if (kind < 0.3) note({ action: "team.create", target });
        if (kind < 0.8) note({ action: "user.role_change", target });
        if (kind > 0.9) throw new RangeError("the work fails");
      });
      if (kind > 0.9) {
        await assert.rejects(work, RangeError);
        failed += 1;
      } else {
        await work;
        if (kind < 0.8) raised += 1;
      }
    }
  };
  const before = await readEpoch(db);
  await Promise.all(Array.from({ length: 8 }, (_, writer) => changing(writer)));
  assert.equal((await readEpoch(db)) - before, raised);
  const names = await db.selectFrom("users").select("name").execute();
  const applied = names.reduce((sum, { name }) => sum + name.length - "usr_a".length, 0);
  assert.equal(applied, 200 - failed);
  assert.deepEqual((await verifyAudit({ db, macKeys: [testMacKey] })).problems, []);
});
