import { authorize, type Permission } from "../access/authorize.ts";
import { type Presented, presentedTokens } from "../identity/credentials.ts";
import type { Identifier } from "../identity/identify.ts";
import type { Principal } from "../identity/principal.ts";
import { TollgateError } from "../lib/errors.ts";
import { isWithin } from "../lib/networks.ts";
import type { Admission, AppliedLimit } from "../limits/admit.ts";
import { applicableLimits, type EndpointClass, type LimitRules } from "../limits/applicable.ts";
import { limitHeaders } from "../limits/headers.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** What an endpoint asks of its caller. Everything that enters passes here: HTTP, the plugin, apps and jobs. */
export type Gate = Permission & { readonly class: EndpointClass };

export type Arrival = {
  /** Names and values in turn, as node:http gives them. */
  readonly rawHeaders: readonly string[];
  /** The client's address, as `clientAddress` found it. */
  readonly address: string;
};

export type Visitor = {
  readonly principal: Principal;
  readonly presented: Presented;
  readonly address: string;
};

export type EnterDeps = {
  readonly identifier: Identifier;
  readonly limitRules: LimitRules;
  readonly admit: (limits: readonly AppliedLimit[]) => Promise<Admission>;
  readonly metrics: Metrics;
};

/** identify → authorize. Throws 400, 401 or 403; consumes nothing. */
export async function enter(deps: EnterDeps, arrival: Arrival, gate: Gate): Promise<Visitor> {
  const { identifier, metrics } = deps;
  try {
    const presented = presentedTokens(arrival.rawHeaders);
    const principal = await principalOf(presented, identifier.identify);
    letThrough(principal, arrival.address, gate);
    metrics.authRequests.labels("accepted", principal.credential.kind).inc();
    return { principal, presented, address: arrival.address };
  } catch (error) {
    const outcome = error instanceof TollgateError ? error.code : "INTERNAL";
    metrics.authRequests.labels(outcome, "none").inc();
    throw error;
  }
}

/** Throws 403 unless the principal may come from this address and through this gate. */
function letThrough(principal: Principal, address: string, gate: Gate): void {
  const networks = principal.key?.allowedNetworks ?? null;
  if (networks !== null && !isWithin(address, networks)) throw new TollgateError("ADDRESS_NOT_ALLOWED");
  authorize(principal, gate);
}

/** A signed-in user beside an app's key is one principal with the rights that both have (reference, section 1.3). */
async function principalOf(
  { token, appKey }: Presented,
  identify: (token: string | undefined) => Promise<Principal>,
): Promise<Principal> {
  const caller = await identify(token);
  if (appKey === undefined) return caller;
  const { key, epoch } = await identify(appKey);
  return { ...caller, key: key!, epoch: Math.min(caller.epoch, epoch) };
}

/** Identities change while a call asks; that they change this often under one call means something is wrong. */
const MAX_RELOADS = 3;

/**
 * Takes every limit of the call together, or none. Returns the headers that tell the caller where it stands, which
 * belong on every answer from here on. Throws 429, or 400 REQUEST_EXCEEDS_LIMIT; `onStanding` hears the headers of a
 * refusal too.
 */
export async function admit(
  deps: EnterDeps,
  visitor: Visitor,
  gate: Gate,
  onStanding: (headers: Readonly<Record<string, string>>) => void,
): Promise<Visitor> {
  const { metrics } = deps;
  let current = visitor;
  let admission = await deps.admit(applicableLimits(deps.limitRules, current, gate.class));
  for (let reload = 0; admission.kind === "stale"; reload++) {
    if (reload === MAX_RELOADS) throw new TollgateError("STORE_UNAVAILABLE");
    const { epoch } = admission;
    const principal = await principalOf(current.presented, (token) =>
      deps.identifier.identifyAfresh(token!, epoch),
    );
    letThrough(principal, current.address, gate);
    current = { ...current, principal };
    admission = await deps.admit(applicableLimits(deps.limitRules, current, gate.class));
  }
  if (admission.kind === "neverFits")
    throw new TollgateError("REQUEST_EXCEEDS_LIMIT", { limit: admission.limit });
  onStanding(limitHeaders(admission));
  if (admission.kind === "admitted") {
    if (admission.degraded) metrics.rateLimitDegraded.inc();
    return current;
  }
  const { first, retryAfterMs, resetAtMs } = admission;
  if (first.code === "QUOTA_EXCEEDED") {
    metrics.quotaExceeded.inc();
    throw new TollgateError("QUOTA_EXCEEDED", { limit: first.id, retryAfterMs, resetAtMs });
  }
  metrics.rateLimitHits.labels(first.id).inc();
  const waiting = { limit: first.id, retryAfterMs, resetAtMs };
  throw new TollgateError(
    "RATE_LIMITED",
    first.reason === undefined ? waiting : { ...waiting, reason: first.reason },
  );
}
