import { findProject, maySpendIn, type Project } from "../access/projects.ts";
import { type BudgetOwners, budgetIdsFor } from "../costs/budgets.ts";
import type { Principal } from "../identity/principal.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Db } from "../store/tables.ts";

const FRESH_MS = 1_000;
const MAX_ENTRIES = 10_000;

/** Finds who pays for a call. What it has read it believes for a second: a new budget binds that much later. */
export type Payers = {
  /**
   * The project that pays: the key's own, else the one that the caller names, else none (K10). Throws NOT_FOUND for a
   * project that the caller may not spend in.
   */
  projectOf(principal: Principal, named: number | undefined): Promise<number | undefined>;
  budgetIdsOf(principal: Principal, projectId: number | undefined): Promise<readonly number[]>;
};

export function payers({ db, clock }: { readonly db: Db; readonly clock: Clock }): Payers {
  const projects = briefly<number, Project | undefined>(clock, (id) => findProject(db, id));
  const budgets = briefly<string, readonly number[]>(clock, (owners) =>
    budgetIdsFor(db, JSON.parse(owners) as BudgetOwners, clock.now()),
  );
  return {
    async projectOf(principal, named) {
      const { credential } = principal;
      const id = named ?? (credential.kind === "key" ? credential.projectId : null);
      if (id === null) return undefined;
      const project = await projects(id);
      if (project === undefined || !maySpendIn(principal, project)) throw new TollgateError("NOT_FOUND");
      return id;
    },
    budgetIdsOf({ userId, credential }, projectId) {
      const keyId = credential.kind === "key" ? credential.keyId : undefined;
      return budgets(JSON.stringify({ userId, keyId, projectId } satisfies Omit<BudgetOwners, "teamId">));
    },
  };
}

/** Remembers answers for a second; concurrent questions share one. Failures are not remembered. */
function briefly<K, V>(clock: Clock, read: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const known = new Map<K, { readonly answer: Promise<V>; readonly until: number }>();
  return (key) => {
    const entry = known.get(key);
    if (entry !== undefined && entry.until > clock.monotonic()) return entry.answer;
    if (known.size >= MAX_ENTRIES) known.clear();
    const answer = read(key);
    known.set(key, { answer, until: clock.monotonic() + FRESH_MS });
    answer.catch(() => known.delete(key));
    return answer;
  };
}
