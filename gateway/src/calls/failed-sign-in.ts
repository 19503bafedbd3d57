import type { Cause, Change } from "../telemetry/change.ts";

export type FailedSignInDeps = {
  readonly change: Change;
  /** True for what may be noted: an attack must not fill the audit log. */
  readonly isWorthNoting: (subject: string) => boolean;
};

/** Leaves an entry of a refused sign-in, and of others like it for a minute none. */
export async function noteFailedSignIn(
  { change, isWorthNoting }: FailedSignInDeps,
  cause: Cause,
  /** `subject`: what tells one series of attempts from another. `userId`: of the account tried, if there is one. */
  failed: { readonly subject: string; readonly userId: string | undefined; readonly reason: string },
): Promise<void> {
  const { subject, userId, reason } = failed;
  if (!isWorthNoting(subject)) return;
  const target = { type: "user", id: userId ?? "unknown" };
  const person = userId === undefined ? {} : { person: { userId } };
  await change(cause, async (_tx, note) =>
    note({ action: "session.login_failed", target, outcome: "denied", reason, ...person }),
  );
}
