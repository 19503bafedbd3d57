import { isAdministrator } from "../access/authorize.ts";
import { keyOwner, requireLevel } from "../access/levels.ts";
import { findProject, type Project } from "../access/projects.ts";
import { budgetIdsFor } from "../costs/budgets.ts";
import type { Principal } from "../identity/principal.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Db } from "../store/tables.ts";

const FRESH_MS = 1_000;
const MAX_ENTRIES = 10_000;

/** Finds who pays for a call. What it has read it believes for a second: a new budget binds that much later. */
export type Payers = {
  /**
   * The project that pays: the key's own, else the one that the caller names, else none (K10). It takes a developer
   * there: the key's owner for the key's own project, else the caller. Throws NOT_FOUND, also for a project that is
   * archived, or FORBIDDEN.
   */
  projectOf(principal: Principal, named: number | undefined): Promise<number | undefined>;
  /** The budgets of the user, the key, the project that pays, and the team which that is in. */
  /** `afresh`: past what is remembered. */
  budgetIdsOf(
    principal: Principal,
    projectId: number | undefined,
    afresh?: "afresh",
  ): Promise<readonly number[]>;
};

export function payers({ db, clock }: { readonly db: Db; readonly clock: Clock }): Payers {
  const projects = briefly<Project | undefined>(clock);
  const budgets = briefly<readonly number[]>(clock);
  /** As whoever answers for the paying sees it: the key's owner for the key's own project, else the caller. */
  function paying(principal: Principal, id: number): Promise<Project | undefined> {
    const isBound = principal.key?.projectId != null;
    const payer = (isBound ? keyOwner(principal) : undefined) ?? principal;
    return projects([payer.userId, isAdministrator(payer), id], () => findProject(db, payer, id));
  }

  return {
    async projectOf(principal, named) {
      const bound = principal.key?.projectId ?? undefined;
      const id = named ?? bound;
      if (id === undefined) return undefined;
      if (bound !== undefined && bound !== id) throw new TollgateError("NOT_FOUND");
      const project = await paying(principal, id);
      return requireLevel(project?.archivedAt === null ? project : undefined, "developer").id;
    },
    async budgetIdsOf(principal, projectId, afresh) {
      const project = projectId === undefined ? undefined : await paying(principal, projectId);
      const { userId, key } = principal;
      // A key's successors are under its budget as well.
      const keyId = key?.quotaGroup;
      const teamId = project?.teamId ?? undefined;
      const owners = { userId, keyId, projectId, teamId };
      const read = () => budgetIdsFor(db, owners, clock.now());
      return afresh === undefined ? budgets([userId, keyId, projectId, teamId], read) : read();
    },
  };
}

/** Remembers answers for a second by all that decides them; concurrent questions share one. Failures are not remembered. */
function briefly<V>(clock: Clock): (question: readonly unknown[], read: () => Promise<V>) => Promise<V> {
  const known = new Map<string, { readonly answer: Promise<V>; readonly until: number }>();
  return (question, read) => {
    const key = JSON.stringify(question);
    const entry = known.get(key);
    if (entry !== undefined && entry.until > clock.monotonic()) return entry.answer;
    if (known.size >= MAX_ENTRIES) known.clear();
    const answer = read();
    known.set(key, { answer, until: clock.monotonic() + FRESH_MS });
    answer.catch(() => known.delete(key));
    return answer;
  };
}
