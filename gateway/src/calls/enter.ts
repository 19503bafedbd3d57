import { authorize, type Permission, type ScopesMode } from "../access/authorize.ts";
import { type Presented, presentedByApp, presentedTokens } from "../identity/credentials.ts";
import type { Identifier } from "../identity/identify.ts";
import type { Principal } from "../identity/principal.ts";
import { TollgateError } from "../lib/errors.ts";
import { isWithin } from "../lib/networks.ts";
import type { Abuse } from "../limits/abuse.ts";
import type { Admission, AppliedLimit } from "../limits/admit.ts";
import type { EndpointClass, LimitsOf, Use } from "../limits/applicable.ts";
import type { LimitReport } from "../limits/headers.ts";
import type { Ticket } from "../limits/ticket.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** What an endpoint asks of its caller. Everything that enters passes here: HTTP, the plugin, apps and jobs. */
export type Gate = Permission & {
  readonly class: EndpointClass;
  /** A user who signed in, and beside it the key of the app: one of ours, or a static one (G2). */
  readonly appKey?: true;
};

export type Arrival = {
  /** Names and values in turn, as node:http gives them. */
  readonly rawHeaders: readonly string[];
  /** The client's address, as `clientAddress` found it. */
  readonly address: string;
  /** As the client names it. */
  readonly device?: string | undefined;
};

export type Visitor = {
  readonly principal: Principal;
  readonly presented: Presented;
  readonly address: string;
  readonly device?: string | undefined;
};

/** A visitor whose limits are taken: the ticket must be closed when the call is over. */
export type Admitted = {
  readonly visitor: Visitor;
  readonly ticket: Ticket;
  /** Where the visitor stands once the ticket is given back. */
  readonly untaken: () => LimitReport;
};

export type EnterDeps = {
  readonly identifier: Identifier;
  readonly limitsOf: LimitsOf;
  readonly admit: (limits: readonly AppliedLimit[]) => Promise<Admission>;
  readonly abuse: Pick<Abuse, "letLookUp">;
  readonly scopesMode: ScopesMode;
  readonly metrics: Metrics;
  /** A protection that only reports would have refused this (X4): a scope, or limits by id. */
  readonly onWouldRefuse: (what: readonly string[], visitor: Visitor) => void;
};

/** identify → authorize. Throws 400, 401, 403, or 429 for an address that sends too many bad credentials. */
export async function enter(deps: EnterDeps, arrival: Arrival, gate: Gate): Promise<Visitor> {
  const { identifier, metrics, abuse } = deps;
  const { rawHeaders, address, device } = arrival;
  try {
    const presented = gate.appKey === true ? presentedByApp(rawHeaders) : presentedTokens(rawHeaders);
    const letLookUp = () => abuse.letLookUp(address);
    const principal = await principalOf(deps, presented, gate, (token) =>
      identifier.identify(token, letLookUp),
    );
    const visitor: Visitor = { principal, presented, address, device };
    letThrough(deps, visitor, gate);
    metrics.authRequests.labels("accepted", principal.credential.kind).inc();
    return visitor;
  } catch (error) {
    const outcome = error instanceof TollgateError ? error.code : "INTERNAL";
    metrics.authRequests.labels(outcome, "none").inc();
    throw error;
  }
}

/** A visitor who stays: who it is by now. Throws 401 or 403 if it may not be here any more, 503 if nobody can tell. */
export async function stay(
  deps: Pick<EnterDeps, "identifier" | "scopesMode" | "onWouldRefuse">,
  visitor: Visitor,
  gate: Gate,
): Promise<Visitor> {
  const principal = await principalOf(deps, visitor.presented, gate, (token) =>
    deps.identifier.identify(token),
  );
  if (principal === visitor.principal) return visitor;
  const current = { ...visitor, principal };
  letThrough(deps, current, gate);
  return current;
}

/** Throws 403 unless the principal may come from this address and through this gate. */
function letThrough(
  deps: Pick<EnterDeps, "scopesMode" | "onWouldRefuse">,
  visitor: Visitor,
  gate: Gate,
): void {
  const { principal, address } = visitor;
  const networks = principal.key?.allowedNetworks ?? null;
  if (networks !== null && !isWithin(address, networks)) throw new TollgateError("ADDRESS_NOT_ALLOWED");
  if (!authorize(principal, gate, deps.scopesMode)) deps.onWouldRefuse([`scope ${gate.scope}`], visitor);
}

type Identify = (token: string | undefined) => Promise<Principal>;

/**
 * A signed-in user beside an app's key is one principal with the rights that both have (reference, section 1.3). Where
 * the app's key is asked for, it is missed first, and an API key is nobody who signed in.
 */
async function principalOf(
  deps: Pick<EnterDeps, "identifier">,
  { token, appKey }: Presented,
  gate: Gate,
  identify: Identify,
): Promise<Principal> {
  if (appKey === undefined && gate.appKey !== true) return identify(token);
  const app = await appOf(deps, appKey, identify);
  const caller = await identify(token);
  if (gate.appKey === true && caller.credential.kind === "key") throw new TollgateError("AUTH_INVALID");
  return { ...caller, ...app, epoch: Math.min(caller.epoch, app.epoch) };
}

/** The app that comes beside a user. Throws AUTH_REQUIRED without a key of an app, AUTH_INVALID for what is none. */
async function appOf(
  { identifier }: Pick<EnterDeps, "identifier">,
  appKey: string | undefined,
  identify: Identify,
): Promise<(Required<Pick<Principal, "key">> | Required<Pick<Principal, "app">>) & Pick<Principal, "epoch">> {
  const app = appKey === undefined ? undefined : identifier.appOf(appKey);
  if (app !== undefined) return { app, epoch: Number.POSITIVE_INFINITY };
  const { key, epoch } = await identify(appKey);
  if (key === undefined) throw new TollgateError("AUTH_INVALID");
  return { key, epoch };
}

/** Identities change while a call asks; that they change this often under one call means something is wrong. */
const MAX_RELOADS = 3;

/**
 * Takes every limit of the call together, or none. `onStanding` hears where the caller stands, which every answer from
 * here on tells, a refusal too. Throws 429, or 400 REQUEST_EXCEEDS_LIMIT.
 */
export async function admit(
  deps: EnterDeps,
  visitor: Visitor,
  gate: Gate,
  call: Use["call"],
  onStanding: (report: LimitReport) => void,
): Promise<Admitted> {
  const { metrics } = deps;
  const use: Use = call === undefined ? { class: gate.class } : { class: gate.class, call };
  let current = visitor;
  let admission = await deps.admit(deps.limitsOf(current, use));
  for (let reload = 0; admission.kind === "stale"; reload++) {
    if (reload === MAX_RELOADS) throw new TollgateError("STORE_UNAVAILABLE");
    const { epoch } = admission;
    const principal = await principalOf(deps, current.presented, gate, (token) =>
      deps.identifier.identifyAfresh(token!, epoch),
    );
    current = { ...current, principal };
    letThrough(deps, current, gate);
    admission = await deps.admit(deps.limitsOf(current, use));
  }
  if (admission.kind === "neverFits")
    throw new TollgateError("REQUEST_EXCEEDS_LIMIT", { limit: admission.limit });
  onStanding(admission);
  if (admission.wouldRefuse.length > 0) deps.onWouldRefuse(admission.wouldRefuse, current);
  if (admission.kind === "admitted") {
    if (admission.degraded) metrics.rateLimitDegraded.inc();
    return { visitor: current, ticket: admission.ticket, untaken: admission.untaken };
  }
  throw refusalOf(admission, metrics);
}

function refusalOf(admission: Extract<Admission, { kind: "refused" }>, metrics: Metrics): TollgateError {
  const { first, retryAfterMs, resetAtMs, violated } = admission;
  const waiting = { limit: first.id, retryAfterMs, resetAtMs, violated };
  if (first.code === "QUOTA_EXCEEDED") {
    metrics.quotaExceeded.inc();
    return new TollgateError("QUOTA_EXCEEDED", waiting);
  }
  metrics.rateLimitHits.labels(first.id).inc();
  if (first.code === "COOLDOWN") return new TollgateError("COOLDOWN", waiting);
  return new TollgateError(
    "RATE_LIMITED",
    first.reason === undefined ? waiting : { ...waiting, reason: first.reason },
  );
}
