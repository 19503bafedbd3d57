import { sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import type { Pico } from "../lib/money.ts";
import { isOutage } from "../store/outages.ts";
import type { Db } from "../store/tables.ts";
import { type AdmissionRequest, grantInOrder } from "./admission.ts";
import { groupCommit } from "./batch.ts";
import { giveBack } from "./give-back.ts";
import { type ReservedCall, reservedRow } from "./ledger.ts";

/** `needPico` and `wantPico` as `reserveFor` gives them. */
export type ReserveRequest = {
  readonly call: Omit<ReservedCall, "reservedPico">;
  readonly needPico: Pico;
  readonly wantPico: Pico;
};

export type Reserved =
  | { readonly granted: true; readonly call: ReservedCall }
  /** `unspentPico`: what the budgets of the call have not spent, reservations left aside; of several, the least. */
  | { readonly granted: false; readonly budgetId: number; readonly unspentPico: Pico };

export type Reservations = {
  /**
   * Durable when it resolves. A granted call must be settled, whatever becomes of it. Rejects if the database does
   * not answer: then nothing may be spent, and what the database may have kept of it is given back.
   */
  reserve(request: ReserveRequest): Promise<Reserved>;
  /** Ends the care for a reservation that is settled. */
  forget(id: string): void;
  /** How many reservations are kept alive here. */
  inFlight(): number;
  /** Resolves when nothing is being reserved. */
  idle(): Promise<void>;
  /** Stops keeping reservations alive. Resolves when nothing is under way any more. */
  close(): Promise<void>;
};

/**
 * Reservations of this process. They live `ttlMs` after the last sign of life, by the database's clock; every third
 * of that, the ones in flight here are extended, and only they: what nobody holds runs out.
 */
export function reservations(deps: {
  readonly db: Db;
  readonly clock: Clock;
  /** Names this process in the rows. */
  readonly instance: string;
  readonly ttlMs: number;
  readonly onTrouble: (error: unknown) => void;
}): Reservations {
  const { db, clock, instance, ttlMs, onTrouble } = deps;
  const inFlight = new Set<string>();
  /** Id → until when (monotonic) the database may still commit it; undefined: it has not answered since. */
  const abandoned = new Map<string, number | undefined>();
  const term: Term = { owner: instance, ttlMs };

  const free = groupCommit((items: readonly Item[]) => reserveFree(db, term, items));
  const budgeted = groupCommit((items: readonly Item[]) => reserveUnderBudgets(db, term, items));

  let beat: Promise<void> | undefined;
  const stop = clock.every(ttlMs / 3, () => {
    beat ??= keepAlive()
      .catch(onTrouble)
      .finally(() => {
        beat = undefined;
      });
  });

  async function keepAlive(): Promise<void> {
    await extend(db, term, [...inFlight]);
    await giveBack(db, [...abandoned.keys()]);
    for (const [id, until] of abandoned) {
      if (until === undefined) abandoned.set(id, clock.monotonic() + ttlMs);
      else if (until <= clock.monotonic()) abandoned.delete(id);
    }
  }

  return {
    async reserve(request) {
      const { call, needPico, wantPico } = request;
      const { id, budgetIds } = call;
      const item = { id, budgetIds, needPico, wantPico, row: reservedRow(call) };
      try {
        const reserved = await (budgetIds.length === 0 ? free : budgeted).add(item);
        if (!reserved.granted) return reserved;
        inFlight.add(id);
        return { granted: true, call: { ...call, reservedPico: reserved.amountPico } };
      } catch (error) {
        if (isOutage(error)) abandoned.set(id, undefined);
        throw error;
      }
    },
    forget: (id) => void inFlight.delete(id),
    inFlight: () => inFlight.size,
    async idle() {
      await Promise.all([free.drain(), budgeted.drain()]);
    },
    async close() {
      stop();
      await Promise.all([free.drain(), budgeted.drain(), beat]);
      await giveBack(db, [...abandoned.keys()]).catch(onTrouble);
    },
  };
}

type Term = { readonly owner: string; readonly ttlMs: number };
type Item = AdmissionRequest & { readonly id: string; readonly row: Readonly<Record<string, unknown>> };
type Answer =
  | { readonly granted: true; readonly amountPico: Pico }
  | Extract<Reserved, { readonly granted: false }>;
type Granted = { readonly item: Item; readonly amountPico: Pico };

async function reserveFree(db: Db, term: Term, items: readonly Item[]): Promise<readonly Answer[]> {
  const granted = allTheyWant(items);
  await sql`
    insert into reservations (id, budget_ids, amount_pico, call, owner, created_at, expires_at)
    select *, ${term.owner}::text, now(), ${expiry(term)} from ${rows(granted)}`.execute(db);
  return granted.map(({ amountPico }) => ({ granted: true, amountPico }));
}

async function reserveUnderBudgets(db: Db, term: Term, items: readonly Item[]): Promise<readonly Answer[]> {
  return (await reserveAll(db, term, items)) ?? (await reserveInOrder(db, term, items));
}

/** One statement for the usual case: every request gets all it wants. Undefined, and nothing done, if they do not fit. */
async function reserveAll(
  db: Db,
  term: Term,
  items: readonly Item[],
): Promise<readonly Answer[] | undefined> {
  const granted = allTheyWant(items);
  const made = await sql`
    with item as materialized (select * from ${rows(granted)}),
    wanted as (${sumsPerBudget}),
    room as (
      select id, allocated_pico - spent_pico - reserved_pico as pico from budgets
      where id in (select budget_id from wanted)
      order by id for update
    ),
    fits as (
      select bool_and(coalesce(room.pico >= wanted.pico, false)) as all_of_them
      from wanted left join room on room.id = wanted.budget_id
    ),
    moved as (
      update budgets set reserved_pico = reserved_pico + wanted.pico
      from wanted where budgets.id = wanted.budget_id and (select all_of_them from fits)
    )
    insert into reservations (id, budget_ids, amount_pico, call, owner, created_at, expires_at)
    select *, ${term.owner}::text, now(), ${expiry(term)} from item where (select all_of_them from fits)
    returning id`.execute(db);
  if (made.rows.length === 0) return undefined;
  return granted.map(({ amountPico }) => ({ granted: true, amountPico }));
}

/** The budgets do not hold everything: while they are locked, each request gets what those before it left. */
function reserveInOrder(db: Db, term: Term, items: readonly Item[]): Promise<readonly Answer[]> {
  return db.transaction().execute(async (tx) => {
    const ids = [...new Set(items.flatMap(({ budgetIds }) => budgetIds))];
    const { rows: found } = await sql<{ id: number; unspent: string; reserved: string }>`
      select id, allocated_pico - spent_pico as unspent, reserved_pico as reserved from budgets
      where id = any(${ids}::bigint[])
      order by id for update`.execute(tx);
    const rooms = new Map(found.map(({ id, unspent, reserved }) => [id, BigInt(unspent) - BigInt(reserved)]));
    const unspent = new Map(found.map((budget) => [budget.id, BigInt(budget.unspent)]));
    const admissions = grantInOrder(rooms, items);
    const answers = admissions.map((admission, index): Answer => {
      if (admission.granted) return admission;
      return { ...admission, unspentPico: least(items[index]!.budgetIds.map((id) => unspent.get(id) ?? 0n)) };
    });
    const granted = admissions.flatMap((admission, index): readonly Granted[] =>
      admission.granted ? [{ item: items[index]!, amountPico: admission.amountPico }] : [],
    );
    if (granted.length === 0) return answers;
    await sql`
      with item as materialized (select * from ${rows(granted)}),
      taken as (${sumsPerBudget}),
      moved as (
        update budgets set reserved_pico = reserved_pico + taken.pico
        from taken where budgets.id = taken.budget_id
      )
      insert into reservations (id, budget_ids, amount_pico, call, owner, created_at, expires_at)
      select *, ${term.owner}::text, now(), ${expiry(term)} from item`.execute(tx);
    return answers;
  });
}

function least(amounts: readonly Pico[]): Pico {
  return amounts.reduce((smallest, amount) => (amount < smallest ? amount : smallest));
}

/** Locked rows are passed over: whoever holds them is settling them now. */
async function extend(db: Db, term: Term, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    update reservations set expires_at = ${expiry(term)}
    where id in (select id from reservations where id = any(${ids}::uuid[]) for update skip locked)`.execute(
    db,
  );
}

function allTheyWant(items: readonly Item[]): readonly Granted[] {
  return items.map((item) => ({ item, amountPico: item.wantPico }));
}

const sumsPerBudget = sql`
  select budget_id, sum(amount_pico) as pico
  from item cross join unnest(budget_ids) as budget_id group by budget_id`;

function rows(granted: readonly Granted[]) {
  const json = JSON.stringify(
    granted.map(({ item: { id, budgetIds, row }, amountPico }) => ({
      id,
      budget_ids: budgetIds,
      amount_pico: amountPico.toString(),
      call: row,
    })),
  );
  return sql`jsonb_to_recordset(${json}::jsonb)
    as item (id uuid, budget_ids bigint[], amount_pico numeric, call jsonb)`;
}

function expiry({ ttlMs }: Term) {
  return sql`now() + ${ttlMs}::float8 * interval '1 millisecond'`;
}
