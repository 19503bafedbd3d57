import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "kysely";
import type { Caller } from "../access/levels.ts";
import { principal } from "../identity/testing.ts";
import type { Tx } from "../store/tables.ts";
import { missing, type TestStore, testPostgres } from "../store/testing.ts";
import { type JobSection, listJobs } from "./read.ts";
import { projectFor } from "./testing.ts";

const skip = missing("postgres");
const JOBS = 100_000;
const LIMIT = 50;
let store: TestStore;
let project: number;

before(async () => {
  if (skip) return;
  store = await testPostgres();
  project = await projectFor(store.db);
  await sql`
    insert into jobs (project_id, user_id, type, payload, status, body_hash, correlation_id, max_retries,
      estimated_cost_pico, needed_pico)
    select ${project}::bigint, 'usr_ann', 'type_' || number % 5, '{}', 'completed', '', 'req_0123456789', 3, 0, 0
    from generate_series(1, ${JOBS}::integer) as number`.execute(store.maintenance);
  await sql`analyze jobs`.execute(store.maintenance);
});
after(() => store?.close());

/** How many rows of the table a list reads. */
async function readFor(caller: Caller, section: Partial<JobSection>): Promise<number> {
  return store.db.transaction().execute(async (tx) => {
    const before = await rowsRead(tx);
    await listJobs(tx, caller, "viewer", { before: undefined, limit: LIMIT, ...section });
    return (await rowsRead(tx)) - before;
  });
}

async function rowsRead(tx: Tx): Promise<number> {
  const { rows } = await sql<{ rows: number }>`
    select seq_tup_read + coalesce(idx_tup_fetch, 0) as rows
    from pg_stat_xact_user_tables where relname = 'jobs'`.execute(tx);
  return rows[0]!.rows;
}

test("of a hundred thousand jobs a list reads ten times what it can show at most, however few there are of what is asked", {
  skip,
}, async () => {
  const ann = principal({ userId: "usr_ann" });
  const admin = principal({ userId: "usr_boss", role: "admin" });
  const sections: readonly Partial<JobSection>[] = [
    {},
    { status: "dead_letter" },
    { type: "nothing" },
    { status: "dead_letter", type: "type_1" },
    { status: "completed" },
    { type: "type_1", before: 50_000 },
  ];
  for (const section of sections) {
    for (const [who, caller, projectId] of [
      ["member", ann, undefined],
      ["member of one", ann, project],
      ["admin", admin, undefined],
    ] as const) {
      const read = await readFor(caller, { ...section, projectId });
      assert.ok(read <= 10 * LIMIT, `${who} ${JSON.stringify(section)}: ${read} rows`);
    }
  }
});
