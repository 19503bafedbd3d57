import { type Clock, isoTime } from "../lib/clock.ts";
import { type Chance, uuidv7 } from "../lib/ids.ts";
import type { Db, Tx } from "../store/tables.ts";
import { type Action, changesIdentities } from "./actions.ts";
import { appendAudit } from "./audit.ts";

/** Who did something. */
export type Actor = {
  readonly type: "user" | "key" | "static" | "operator" | "internal" | "system" | "anonymous";
  /** The user, or the name of what is no user. */
  readonly id: string;
  readonly role?: string;
  readonly keyPrefix?: string;
  readonly sessionId?: string;
};

/** Who causes a change, and by which request. */
export type Cause = {
  readonly actor: Actor;
  readonly request?: { readonly correlationId: string; readonly method: string; readonly route: string };
  /** Personal data: kept apart from the entry, and erased with the user. */
  readonly source?: { readonly address: string; readonly userAgent: string | undefined };
};

/** What an audit entry says beyond its cause. Never a secret. */
export type Noted = {
  readonly action: Action;
  readonly target: { readonly type: string; readonly id: string };
  readonly outcome?: "success" | "denied";
  readonly reason?: string;
  readonly changes?: FieldChanges;
  /** Whose personal data goes with the entry, if not the actor's: a person who is just signing in. */
  readonly person?: { readonly userId: string; readonly email?: string };
};

/** Before and after, by field. */
export type FieldChanges = Readonly<Record<string, readonly [before: unknown, after: unknown]>>;

/** What differs, of the fields that `after` has; undefined if nothing does. */
export function changesBetween(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): FieldChanges | undefined {
  const changed = Object.entries(after)
    .map(([field, value]) => [field, [before[field] ?? null, value]] as const)
    .filter(([, [was, is]]) => is !== undefined && JSON.stringify(was) !== JSON.stringify(is));
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}

/**
 * The one way to change who may do what: one transaction with its audit entries. Work that throws changes nothing; it
 * may be called a second time, in a new transaction, if it collides with another change. If
 * cached identities must notice, the auth epoch is raised in the same transaction, and every instance that can be
 * reached has been told when this returns.
 */
export type Change = <T>(
  cause: Cause,
  work: (tx: Tx, note: (event: Noted) => void) => Promise<T>,
) => Promise<T>;

export type ChangeDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly macKey: Uint8Array;
  /** Raises the auth epoch inside the transaction and answers the new one. */
  readonly raiseEpoch: (tx: Tx) => Promise<number>;
  /** Tells the caches of this process and the shared counters. Never rejects: NOTIFY and polling reach who was missed. */
  readonly announce: (epoch: number) => Promise<void>;
};

/**
 * Locks are taken in one order everywhere: teams, projects, users, sessions and keys, of each kind in the order of its
 * ids; then `auth_state`, and the head of the chain last. What the order cannot prevent is begun once more.
 */
export function changes(deps: ChangeDeps): Change {
  const { db, clock, chance, macKey } = deps;

  function attempt<T>(cause: Cause, work: (tx: Tx, note: (event: Noted) => void) => Promise<T>) {
    return db.transaction().execute(async (tx) => {
      const noted: Noted[] = [];
      const result = await work(tx, (event) => noted.push(event));
      const isForAll = noted.some(({ action }) => changesIdentities(action));
      const epoch = isForAll ? await deps.raiseEpoch(tx) : undefined;
      const records = noted.map((event) => recordOf(cause, event, clock.now(), chance));
      if (records.length > 0) await appendAudit({ tx, chance, macKey }, records);
      return { result, epoch };
    });
  }

  return async (cause, work) => {
    const { result, epoch } = await attempt(cause, work).catch((error: unknown) => {
      if (isCollision(error)) return attempt(cause, work);
      throw error;
    });
    if (epoch !== undefined) await deps.announce(epoch);
    return result;
  };
}

/** PostgreSQL gave up this transaction for the sake of another: deadlock_detected, serialization_failure. */
function isCollision(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === "40P01" || code === "40001";
}

function recordOf({ actor, request, source }: Cause, event: Noted, now: number, chance: Chance) {
  const { action, target, outcome = "success", reason, changes, person } = event;
  const at = isoTime(now);
  const record = { id: uuidv7(now, chance), at, action, outcome, reason, actor, target, changes, request };
  const data = {
    ...(source === undefined ? {} : { address: source.address }),
    ...(source?.userAgent === undefined ? {} : { userAgent: source.userAgent }),
    ...(person?.email === undefined ? {} : { email: person.email }),
  };
  const personal = Object.keys(data).length === 0 ? undefined : { userId: person?.userId ?? actor.id, data };
  return { record, personal };
}
