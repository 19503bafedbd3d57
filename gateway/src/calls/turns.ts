import { TollgateError } from "../lib/errors.ts";
import type { Breakers, Pass, Refusal } from "../providers/breakers.ts";
import type { Route, Target } from "./route.ts";

/** A target whose provider's breaker lets the call pass. What becomes of it has to be reported. */
export type Admitted = { readonly target: Target; readonly pass: Pass };

export type TurnDeps = { readonly breakers: Pick<Breakers, "admit"> };

/** The first target that may be asked. Throws PROVIDER_UNAVAILABLE with the earliest time when one of them may. */
export async function firstAdmitted(deps: TurnDeps, { targets }: Route): Promise<Admitted> {
  let soonest: Refusal | undefined;
  for (const target of targets) {
    const admission = await deps.breakers.admit(target.provider.name);
    if (admission.kind === "pass") return { target, pass: admission };
    if (soonest === undefined || admission.resetAtMs < soonest.resetAtMs) soonest = admission;
  }
  const { retryAfterMs, resetAtMs } = soonest!;
  throw new TollgateError("PROVIDER_UNAVAILABLE", { retryAfterMs, resetAtMs });
}

/** The next of these targets that may be asked, if any. */
export async function nextAdmitted(
  { breakers }: TurnDeps,
  targets: readonly Target[],
): Promise<Admitted | undefined> {
  for (const target of targets) {
    const admission = await breakers.admit(target.provider.name);
    if (admission.kind === "pass") return { target, pass: admission };
  }
  return undefined;
}
