import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import { endSessions } from "./sessions.ts";

/** Ends anybody's session, with all its tokens. Answers whose it was. Throws NOT_FOUND for one that has ended. */
export function endSession(
  { change, clock }: { readonly change: Change; readonly clock: Clock },
  cause: Cause,
  id: string,
): Promise<string> {
  return change(cause, async (tx, note) => {
    const session = await tx.selectFrom("sessions").select("user_id").where("id", "=", id).executeTakeFirst();
    if (session === undefined) throw new TollgateError("NOT_FOUND");
    const { user_id: userId } = session;
    const end = { reason: "ended by an administrator", now: clock.now() };
    if ((await endSessions(tx, note, userId, { only: id }, end)) === 0) throw new TollgateError("NOT_FOUND");
    return userId;
  });
}
