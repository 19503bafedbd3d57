import { sql } from "kysely";
import { atMost, type Clock, sleep } from "../lib/clock.ts";
import type { Db } from "../store/tables.ts";
import { groupCommit } from "./batch.ts";
import { booking } from "./booking.ts";
import { isDataFault, withoutCulprits } from "./faults.ts";
import { type Settlement, settledRow } from "./ledger.ts";

export type Settlements = {
  /**
   * Resolves when the call is on the ledger. A failing database is asked again until it answers. Repeating a
   * settlement changes nothing; settling an expired call replaces its row and corrects what it moved.
   */
  settle(settlement: Settlement): Promise<void>;
  /** How many settlements are not durable yet. */
  waiting(): number;
  /** Waits for them, `deadlineMs` at most, and gives up on the rest. Answers how many were left. */
  drain(deadlineMs: number): Promise<number>;
};

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;
/** How long a settlement rests that the database refuses for what it says. */
const SET_ASIDE_MS = 30_000;

export function settlements(deps: {
  readonly db: Db;
  readonly clock: Clock;
  /** The call is on the ledger: its reservation needs no more care. */
  readonly onSettled: (id: string) => void;
  readonly onTrouble: (error: unknown) => void;
}): Settlements {
  const { db, clock, onSettled, onTrouble } = deps;
  let unsettled = 0;
  let givenUp = false;

  const batch = groupCommit<Item, boolean>(async (items) => {
    const refused = new Set<Item>();
    await withoutCulprits(items, settleWhenPossible, (item, error) => {
      refused.add(item);
      onTrouble(error);
    });
    return items.map((item) => !refused.has(item));
  });

  async function settleWhenPossible(items: readonly Item[]): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
      try {
        return await settleItems(db, items);
      } catch (error) {
        if (givenUp || isDataFault(error)) throw error;
        onTrouble(error);
        await sleep(clock, retryMs);
      }
    }
  }

  return {
    async settle(settlement) {
      const item = settledRow(settlement, clock.now()) as Item;
      unsettled++;
      try {
        while (!(await batch.add(item))) await sleep(clock, SET_ASIDE_MS);
        onSettled(settlement.id);
      } finally {
        unsettled--;
      }
    },
    waiting: () => unsettled,
    async drain(deadlineMs) {
      await atMost(clock, deadlineMs, batch.drain());
      givenUp = true;
      return unsettled;
    },
  };
}

type Item = { readonly id: string } & Readonly<Record<string, unknown>>;

/**
 * A settlement whose reservation is not there is settled a second time: whoever ended the reservation may have
 * committed after the first statement began, and only a new statement sees the row that it wrote.
 */
async function settleItems(db: Db, items: readonly Item[]): Promise<void> {
  const distinct = [...new Map(items.toReversed().map((item) => [item.id, item])).values()];
  const ended = await settleOnce(db, distinct);
  const late = distinct.filter(({ id }) => !ended.has(id));
  if (late.length > 0) await settleOnce(db, late);
}

/** Answers which reservations ended. */
async function settleOnce(db: Db, items: readonly Item[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    with item as materialized (
      select * from jsonb_populate_recordset(null::prompt_runs, ${JSON.stringify(items)}::jsonb)
    ),
    locked as (
      select id from budgets where id in (select unnest(budget_ids) from item) order by id for update
    ),
    ended as (
      delete from reservations using item
      where reservations.id = item.id and (select count(*) from locked) >= 0
      returning reservations.id, reservations.budget_ids, reservations.amount_pico
    ),
    replaced as (
      delete from prompt_runs using item
      where prompt_runs.day = item.day and prompt_runs.id = item.id and prompt_runs.usage_source = 'reserved'
        and not exists (select from ended where ended.id = item.id)
      returning prompt_runs.*
    ),
    entered as (
      insert into prompt_runs select * from item where (select count(*) from replaced) >= 0
      on conflict (day, id) do nothing
      returning *
    ),
    booked as (select -1 as sign, * from replaced union all select 1, * from entered),
    ${booking}
    select id from ended`.execute(db);
  return new Set(rows.map(({ id }) => id));
}
