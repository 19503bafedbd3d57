import { type RawBuilder, sql } from "kysely";
import type { Principal } from "../identity/principal.ts";
import { TollgateError } from "../lib/errors.ts";

/** What one may do in a project or team, lowest first; each level includes those before it (I8). */
export const levels = ["viewer", "developer", "manager", "owner"] as const;
export type Level = (typeof levels)[number];

/** Who asks. A key narrows what its user may see. */
export type Caller = Pick<Principal, "userId" | "role" | "key">;

/** Whoever may open the data: allowed everything. */
export const OPERATOR: Caller = { userId: "operator", role: "admin" };

/** The project that the caller's key is bound to: nothing else is there for it. */
export function boundProject({ key }: Caller): number | undefined {
  return key?.projectId ?? undefined;
}

/** The user behind the caller's key, who is not always the caller, with what the key leaves to them. */
export function keyOwner({ key }: Caller): Caller | undefined {
  return key === undefined ? undefined : { userId: key.ownerId, role: key.ownerRole, key };
}

export function isAtLeast(level: Level, wanted: Level): boolean {
  return levels.indexOf(level) >= levels.indexOf(wanted);
}

export function lowerOf(one: Level, other: Level): Level {
  return isAtLeast(one, other) ? other : one;
}

/** Throws NOT_FOUND for what the caller may not know of, FORBIDDEN for what it may see and not do (I8). */
export function requireLevel<T extends { readonly level: Level }>(found: T | undefined, wanted: Level): T {
  if (found === undefined) throw new TollgateError("NOT_FOUND");
  if (isAtLeast(found.level, wanted)) return found;
  throw new TollgateError("FORBIDDEN", undefined, {
    message: `This takes the role ${wanted} here, and yours is ${found.level}.`,
  });
}

/** SQL: the highest of these levels, which may be null; null if all are. */
export function highestOf(...parts: readonly RawBuilder<unknown>[]): RawBuilder<Level | null> {
  const all = sql`${levels}::text[]`;
  const ranks = parts.map((part) => sql`array_position(${all}, ${part})`);
  return sql`(${all})[greatest(${sql.join(ranks)})]`;
}
