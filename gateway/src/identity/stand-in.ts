import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { PlanOf } from "../limits/plans.ts";
import type { Db } from "../store/tables.ts";
import type { Principal } from "./principal.ts";
import { findUser } from "./users.ts";
import { principalOfKey } from "./verify-key.ts";

/** In whose name something is done while they are away: a user, and the key that they came with. */
export type Absent = { readonly userId: string; readonly keyId: number | undefined };

/**
 * Who they are now, read afresh: what they have lost since they asked, what is done for them has lost too. Throws
 * FORBIDDEN for a user who is shut out and for a key that was revoked or has ended.
 */
export async function standInFor(
  deps: { db: Db; clock: Clock; planOf: PlanOf },
  { userId, keyId }: Absent,
): Promise<Principal> {
  const user = await findUser(deps.db, userId);
  if (user === undefined || !user.active) throw gone("The user who asked for this is not active any more.");
  const byKey = keyId === undefined ? undefined : await principalOfKey(deps, keyId);
  if (keyId !== undefined && byKey === undefined) {
    throw gone("The API key that this was asked for with was revoked or has ended.");
  }
  if (byKey?.userId === userId) return byKey;
  const { id, role, overrides, epoch } = user;
  const plan = deps.planOf(user.plan, user.planLimits);
  const principal: Principal = { userId: id, role, credential: { kind: "static" }, plan, overrides, epoch };
  return byKey?.key === undefined ? principal : { ...principal, key: byKey.key };
}

function gone(message: string): TollgateError {
  return new TollgateError("FORBIDDEN", undefined, { message });
}
