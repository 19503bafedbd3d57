import { sql } from "kysely";
import { announceCrossed } from "../gateway/src/costs/alerts.ts";
import { budgetsById, findBudget } from "../gateway/src/costs/budgets.read.ts";
import { budgetIdsFor } from "../gateway/src/costs/budgets.ts";
import { expireReservations } from "../gateway/src/costs/expiry.ts";
import type { Settlement } from "../gateway/src/costs/ledger.ts";
import { moneyOfProjects } from "../gateway/src/costs/project-money.ts";
import { costReport, lastDays, type Whose } from "../gateway/src/costs/reports.period.ts";
import { dailyCosts } from "../gateway/src/costs/reports.ts";
import { type Reservations, reservations } from "../gateway/src/costs/reserve.ts";
import { type Settlements, settlements } from "../gateway/src/costs/settle.ts";
import { usedModels } from "../gateway/src/costs/suggestions.history.ts";
import { checkBooks } from "../gateway/src/costs/verify.ts";
import { systemClock } from "../gateway/src/lib/clock.ts";
import { systemChance, uuidv7 } from "../gateway/src/lib/ids.ts";
import type { Db } from "../gateway/src/store/tables.ts";
import { callBy, PROJECTS, people } from "./scale.people.ts";
import { quantile } from "./statistics.ts";

/** Something the gateway does on its books. `measure` answers milliseconds, or how many per second. */
export type Work = {
  readonly name: string;
  readonly better: "less" | "more";
  /** What it reads more of on a larger ledger, and how far. */
  readonly growsWith?: string | undefined;
  measure(ms: number): Promise<number>;
};

export type Books = { readonly db: Db; readonly now: number };

const [person] = people;
const CALLERS = 64;
const EXPIRED = 100;

/** What reads. The limits of time are those of the gateway: whatever takes longer than two seconds rejects. */
export function readsOf({ db, now }: Books): readonly Work[] {
  const { userId, projectId, teamId } = person!;
  const today = lastDays(now, 1)[0]!;
  const owners = { userId, keyId: undefined, projectId, teamId };
  const report = (whose: Whose, count: number) => () => costReport(db, whose, lastDays(now, count));
  const projects = Array.from({ length: PROJECTS }, (_, index) => index + 1);
  const announce = async (): Promise<void> => {};
  return Object.entries({
    "a user's day": () => dailyCosts(db, userId, today),
    "a project's 30 days": report({ kind: "project", id: projectId }, 30),
    "a project's 366 days": report({ kind: "project", id: projectId }, 366),
    "a team's 30 days": report({ kind: "team", id: teamId }, 30),
    "a team's 366 days": report({ kind: "team", id: teamId }, 366),
    "everybody's 30 days": report({ kind: "everybody" }, 30),
    "everybody's 366 days": report({ kind: "everybody" }, 366),
    "suggestions for a user": () => usedModels(db, userId, lastDays(now, 30)[0]!),
    "a budget": () => findBudget(db, { scope: "project", scopeId: String(projectId) }, now),
    "the money of 20 projects": () => moneyOfProjects(db, projects, now),
    "budgets of a decision": async () => budgetsById(db, await budgetIdsFor(db, owners, now), now),
    "alerts, budgets spent from": () =>
      announceCrossed({ db, clock: systemClock, announce, among: [1, 2, 3] }),
    "alerts, all budgets": () => announceCrossed({ db, clock: systemClock, announce }),
    "the watch over two days' books": () => checkBooks(db, { sinceDay: lastDays(now, 2)[0]! }),
  }).map(([name, run]) => ({
    name,
    better: "less",
    growsWith: growing[name],
    measure: (ms) => median(run, ms),
  }));
}

const growing: Readonly<Record<string, string>> = {
  "suggestions for a user": "the user's calls, to 20,000",
  "the watch over two days' books": "the calls of two days, to 2 s",
};

/** What writes: it adds to the ledger, so it comes last. */
export async function writesOf({ db, now }: Books): Promise<readonly Work[]> {
  const calls = await Promise.all(people.map((each) => callBy(db, each, now)));
  const onTrouble = (error: unknown): void => console.error(error);
  const held = reservations({ db, clock: systemClock, instance: "bench", ttlMs: 60_000, onTrouble });
  const settling = settlements({ db, clock: systemClock, onSettled: held.forget, onTrouble });
  let turn = 0;
  const next = (): Settlement => ({
    ...calls[turn++ % calls.length]!,
    id: uuidv7(systemClock.now(), systemChance),
  });
  const pair = () => reserveAndSettle(held, settling, next());
  const oneSweep = async (): Promise<number> => {
    await Promise.all(Array.from({ length: EXPIRED }, () => reserve(held, next())));
    await sql`update reservations set expires_at = now()`.execute(db);
    const startedAt = performance.now();
    const expired = await expireReservations(db, onTrouble);
    if (expired !== EXPIRED) throw new Error(`${expired} of ${EXPIRED} reservations expired`);
    return performance.now() - startedAt;
  };
  return [
    { name: "reserve + settle, one caller", better: "less", measure: (ms) => median(pair, ms) },
    {
      name: `reserve + settle, ${CALLERS} callers`,
      better: "more",
      measure: (ms) => perSecond(pair, ms, CALLERS),
    },
    { name: `a sweep that expires ${EXPIRED}`, better: "less", measure: oneSweep },
  ];
}

async function reserve(held: Reservations, call: Settlement): Promise<void> {
  const { reservedPico } = call;
  const { granted } = await held.reserve({ call, needPico: reservedPico, wantPico: reservedPico });
  if (!granted) throw new Error("the budget is used up");
}

async function reserveAndSettle(held: Reservations, settling: Settlements, call: Settlement): Promise<void> {
  await reserve(held, call);
  await settling.settle(call);
}

/** Milliseconds of one run of many, one after the other. */
async function median(run: () => Promise<unknown>, ms: number): Promise<number> {
  const times: number[] = [];
  const endAt = performance.now() + ms;
  do {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  } while (performance.now() < endAt);
  return quantile(
    times.toSorted((a, b) => a - b),
    0.5,
  );
}

/** Runs that ended per second, with so many callers that begin anew as soon as theirs has ended. */
async function perSecond(run: () => Promise<unknown>, ms: number, callers: number): Promise<number> {
  let runs = 0;
  const startedAt = performance.now();
  const caller = async (): Promise<void> => {
    for (; performance.now() - startedAt < ms; runs++) await run();
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (runs / (performance.now() - startedAt)) * 1_000;
}
