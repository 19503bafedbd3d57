import { TollgateError } from "../lib/errors.ts";
import { type Cause, type Change, changesBetween } from "../telemetry/change.ts";

/**
 * Sets limits of one user in place of their own numbers, by the limits' ids; null takes one back. What is used stays
 * used. Throws NOT_FOUND.
 */
export function overrideLimits(
  { change }: { readonly change: Change },
  cause: Cause,
  userId: string,
  wanted: Readonly<Record<string, number | null>>,
): Promise<void> {
  return change(cause, async (tx, note) => {
    const user = await tx
      .selectFrom("users")
      .select("limit_overrides")
      .where("id", "=", userId)
      .where("erased_at", "is", null)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (user === undefined) throw new TollgateError("NOT_FOUND");
    const before = user.limit_overrides;
    const after = Object.entries({ ...before, ...wanted }).filter(([, limit]) => limit !== null);
    await tx
      .updateTable("users")
      .set({ limit_overrides: JSON.stringify(Object.fromEntries(after)) })
      .where("id", "=", userId)
      .execute();
    const changes = changesBetween(before, wanted);
    if (changes !== undefined)
      note({ action: "limit.change", target: { type: "user", id: userId }, changes });
  });
}
