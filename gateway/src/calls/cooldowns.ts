import { findApiKey } from "../identity/api-keys.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { type Culprit, holdKeyOf } from "../limits/abuse.ts";
import { type Counters, CountersUnavailable } from "../limits/limit.ts";
import type { Db } from "../store/tables.ts";
import type { Cause, Change } from "../telemetry/change.ts";

export type CooldownDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly change: Change;
  readonly counters: Counters;
  /** Counters of this process, which hold whom they have seen while the shared ones are away. */
  readonly fallback: Counters;
  readonly subjectOfAddress: (address: string) => string;
};

/** `subject`: a key's prefix, a user's id, or the one-way name of an address. */
export type Cooldown = { readonly kind: Culprit["kind"]; readonly subject: string; readonly untilMs: number };

/** Who is held now, those that end first first. Throws STORE_UNAVAILABLE. */
export async function listCooldowns(deps: CooldownDeps): Promise<readonly Cooldown[]> {
  const holds = await reached(deps.counters.holds());
  const prefixes = await prefixesOf(
    deps.db,
    holds.flatMap(({ key }) => (key.startsWith("key-") ? [Number(idOf(key))] : [])),
  );
  return holds.map(({ key, until }) => {
    const kind = key.slice(0, key.indexOf("-")) as Culprit["kind"];
    const id = idOf(key);
    return { kind, subject: kind === "key" ? (prefixes.get(Number(id)) ?? id) : id, untilMs: until };
  });
}

/** Until when this culprit is held, milliseconds since the epoch; undefined: not held, or nobody can tell. */
export async function heldUntil(counters: Counters, culprit: Culprit): Promise<number | undefined> {
  const key = holdKeyOf(culprit);
  const hold = { id: "hold", shape: "hold", key, limit: 1, windowMs: 1, cost: 1, capacity: 0 } as const;
  try {
    const { now, judgements } = await counters.take([hold], false);
    const [judgement] = judgements;
    return judgement?.verdict === "exceeded" ? now + judgement.retryMs : undefined;
  } catch (error) {
    if (!(error instanceof CountersUnavailable)) throw error;
    return undefined;
  }
}

/** Ends a cooldown, and with it the memory of earlier ones. Throws NOT_FOUND for a key that does not exist. */
export async function clearCooldown(
  deps: CooldownDeps,
  cause: Cause,
  kind: Culprit["kind"],
  subject: string,
): Promise<void> {
  const id = await culpritId(deps, kind, subject);
  const key = holdKeyOf({ kind, id });
  await reached(deps.counters.reset([key]));
  await deps.fallback.reset([key]);
  await deps.change(cause, async (_tx, note) =>
    note({ action: "cooldown.clear", target: { type: kind, id } }),
  );
}

async function culpritId(deps: CooldownDeps, kind: Culprit["kind"], subject: string): Promise<string> {
  if (kind === "user") return subject;
  if (kind === "address" || kind === "guest")
    return ONE_WAY.test(subject) ? subject : deps.subjectOfAddress(subject);
  const key = await findApiKey(deps, subject);
  if (key === undefined) throw new TollgateError("NOT_FOUND");
  return String(key.quotaGroup);
}

/** The form of `oneWaySubject`, which no address has. */
const ONE_WAY = /^[\w-]{16}$/;

function idOf(holdKey: string): string {
  return holdKey.slice(holdKey.indexOf(":") + 1);
}

async function prefixesOf(db: Db, chains: readonly number[]): Promise<ReadonlyMap<number, string>> {
  if (chains.length === 0) return new Map();
  const rows = await db
    .selectFrom("api_keys")
    .select(["id", "prefix"])
    .where("id", "in", [...chains])
    .execute();
  return new Map(rows.map(({ id, prefix }) => [id, prefix]));
}

async function reached<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    if (!(cause instanceof CountersUnavailable)) throw cause;
    throw new TollgateError("STORE_UNAVAILABLE", undefined, { cause });
  });
}
