import type { KeyGrant, Principal } from "../identity/principal.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { AppliedLimit } from "./admit.ts";
import type { PlanLimits } from "./plan.ts";
import { type LimitId, limitIds, type Policy, policies } from "./policies.ts";

/** What kind of work an endpoint is, as far as limits are concerned (A1, A2). `manage` is all that asks no model. */
export type EndpointClass = "capture" | "query" | "plan" | "assist" | "chat" | "manage";

/** How much each limit allows by the settings; an absent one limits nothing, 0 refuses everything. */
export type LimitRules = {
  readonly windowMs: number;
  /** Per user and endpoint class (A1). */
  readonly perClassWindow: Readonly<Partial<Record<EndpointClass, number>>>;
  readonly assist: AssistRules;
  readonly keyBucket: BucketRule | undefined;
  readonly addressBucket: BucketRule | undefined;
  /** What the configuration file says of single limits. */
  readonly ways: Readonly<Partial<Record<LimitId, Way>>>;
  /** How the limits are rolled out of which `ways` says nothing (X4). */
  readonly modes: { readonly rates: Mode; readonly quotas: Mode; readonly abuse: Mode };
  /** Stable, one-way names: state outside the process never holds addresses or device ids. */
  readonly subjectOfAddress: (address: string) => string;
  readonly subjectOfDevice: (device: string) => string;
};

/** The assistant's own limits, per minute and UTC day (A2). */
export type AssistRules = {
  readonly userPerMinute?: number;
  readonly userPerDay?: number;
  readonly addressPerMinute?: number;
  readonly keyPerMinute?: number;
  readonly devicePerMinute?: number;
  /** Of a device, and of the key where it has no quota of its own. */
  readonly devicePerDay?: number;
};

export type BucketRule = { readonly perMinute: number; readonly burst: number };
export type Mode = "off" | "report" | "enforce";

export type Way = {
  readonly mode?: Mode | undefined;
  readonly failMode?: "local" | "closed" | "open" | undefined;
  /** Of a window: from its first call, on the clock, or a sliding counter. */
  readonly algorithm?: "anchored" | "aligned" | "sliding" | undefined;
};

export type Subject = {
  readonly principal: Principal;
  readonly address: string;
  /** As the caller names it; it only ever narrows what the key and the user may. */
  readonly device?: string | undefined;
};

/** What a call will use. */
export type Use = {
  readonly class: EndpointClass;
  /** Of an AI call: input and output at most, and its id while it is under way. */
  readonly call?: { readonly id: string; readonly tokens: TokenEstimate };
};

/** Before a call: what it takes for certain, and what it is likely to take besides. */
export type TokenEstimate = { readonly certain: number; readonly likely: number };

/** Where the auth epoch is fenced; raised by whoever changes an identity. */
export const EPOCH_KEY = "epoch";
/** A call under way that nobody renews counts no longer than this. */
export const LEASE_MS = 120_000;

const MINUTE_MS = 60_000;
/** Of one identity: addresses and devices that its limits are remembered for. */
const MAX_PLACES = 64;
/** More than can be under way. A call whose tokens are counted has a lease, so that they are corrected once. */
const UNBOUNDED = 2 ** 31;

/** Every limit that meets a call, in the order in which a refusal is reported (A2). */
export type LimitsOf = (subject: Subject, use: Use) => readonly AppliedLimit[];

/** An identity meets the same limits with every call: they are made once for it, and live as long as it is cached. */
export function applicableLimits(rules: LimitRules): LimitsOf {
  const known = new WeakMap<Principal, Map<string, readonly AppliedLimit[]>>();
  return (subject, use) => {
    const { principal, address, device = "" } = subject;
    let ofPrincipal = known.get(principal);
    if (ofPrincipal === undefined || ofPrincipal.size >= MAX_PLACES) {
      ofPrincipal = new Map();
      known.set(principal, ofPrincipal);
    }
    const place = `${use.class} ${address} ${device}`;
    let limits = ofPrincipal.get(place);
    if (limits === undefined) {
      limits = limitsOf(rules, subject, use.class);
      ofPrincipal.set(place, limits);
    }
    return limits.some(isOfCalls) ? forCall(limits, use) : limits;
  };
}

function limitsOf(rules: LimitRules, subject: Subject, name: EndpointClass): readonly AppliedLimit[] {
  const limits = allowancesOf(rules, subject, name).flatMap((allowance) => limitOf(rules, allowance) ?? []);
  if (limits.some(isInTokens) && !limits.some(isLease)) {
    const unbounded = { id: "user-parallel", of: subject.principal.userId, limit: UNBOUNDED } as const;
    limits.push({ ...made(unbounded, rules), isHidden: true });
  }
  limits.push(epochFence(subject.principal.epoch));
  return limits;
}

/** What depends on the call itself; what is no AI call meets no such limit. */
function forCall(limits: readonly AppliedLimit[], { call }: Use): readonly AppliedLimit[] {
  if (call === undefined) return limits.filter((limit) => !isOfCalls(limit));
  return limits.map((limit) => {
    if (isInTokens(limit)) return { ...limit, cost: tokensOf(call.tokens, limit.limit) };
    return isLease(limit) ? { ...limit, lease: call.id } : limit;
  });
}

/** A guess alone never makes a call too large for its limit. */
function tokensOf({ certain, likely }: TokenEstimate, limit: number): number {
  return certain + Math.min(likely, Math.max(0, limit - certain));
}

/** Every limit that can meet this caller, whatever it asks for: to be looked at, at no cost. */
export function allLimits(rules: LimitRules, subject: Subject): readonly AppliedLimit[] {
  const found = new Map<string, AppliedLimit>();
  for (const name of ["capture", "query", "plan", "assist", "chat"] as const) {
    for (const allowance of allowancesOf(rules, subject, name)) {
      const limit = limitOf(rules, allowance);
      if (limit !== undefined) found.set(limit.key, { ...limit, cost: 0 });
    }
  }
  return [...found.values()].toSorted((a, b) => orderOf(a.id) - orderOf(b.id));
}

/** How much of a limit, and for whom: the text that tells subjects of one limit apart. */
type Allowance = {
  readonly id: LimitId;
  readonly of: string;
  readonly limit: number | undefined;
  readonly burst?: number | undefined;
};

function allowancesOf(rules: LimitRules, { principal, address, device }: Subject, name: EndpointClass) {
  const { userId, key, plan, overrides } = principal;
  const chain = key === undefined ? undefined : String(key.quotaGroup);
  const app = appOf(principal);
  const at = rules.subjectOfAddress(address);
  const list: Allowance[] = [];
  const add = (id: LimitId, of: string, limit: number | undefined, burst?: number): void => {
    // Of a key beside its app's user, the user's own numbers say nothing: its bucket is everybody's who comes with it.
    const isOwn = policies[id].scope !== "key" || key?.ownerId === userId;
    const own = isOwn ? overrides[id] : undefined;
    list.push({ id, of, limit: own ?? limit, burst: own ?? burst });
  };

  if (chain !== undefined) add("key-cooldown", chain, 1);
  if (principal.credential.kind !== "key") add("user-cooldown", userId, 1);
  if (name === "assist") {
    add("assist-user-minute", userId, rules.assist.userPerMinute);
    add("assist-user-day", userId, rules.assist.userPerDay);
  } else if (name !== "manage") {
    add(`${name}-window`, `${name}:${userId}`, rules.perClassWindow[name]);
  }
  addPlan(add, "user", userId, plan.limits, name);
  if (chain !== undefined) addKey(add, key!, chain, name);
  if (name === "assist") add("assist-ip-minute", at, rules.assist.addressPerMinute);
  add("ip-minute", at, rules.addressBucket?.perMinute, rules.addressBucket?.burst);
  if (name === "assist" && app !== undefined) add("assist-key-minute", app, rules.assist.keyPerMinute);
  if (chain !== undefined) add("key-minute", chain, rules.keyBucket?.perMinute, rules.keyBucket?.burst);
  if (name === "assist") addDevice(add, rules, principal, device);
  return list;
}

type Add = (id: LimitId, of: string, limit: number | undefined, burst?: number) => void;

function addPlan(add: Add, whose: "user" | "key", of: string, plan: PlanLimits, name: EndpointClass): void {
  const isUsers = whose === "user";
  add(isUsers ? "user-minute" : "key-plan-minute", of, plan.requestsPerMinute);
  if (name === "manage") return;
  add(isUsers ? "user-day" : "key-plan-day", of, plan.dailyRequests);
  add(isUsers ? "user-tokens-minute" : "key-tokens-minute", of, plan.tokensPerMinute);
  add(isUsers ? "user-parallel" : "key-parallel", of, plan.callsInFlight);
}

function addKey(add: Add, { plan, dailyQuota }: KeyGrant, chain: string, name: EndpointClass): void {
  if (name !== "manage") add("key-day", chain, dailyQuota ?? undefined);
  addPlan(add, "key", chain, plan?.limits ?? {}, name);
}

function addDevice(add: Add, { assist, subjectOfDevice }: LimitRules, by: Principal, device?: string): void {
  const { userId, key } = by;
  const app = appOf(by);
  if (device !== undefined) {
    const of = subjectOfDevice(`${app ?? ""}\0${userId}\0${device}`);
    add("assist-device-minute", of, assist.devicePerMinute);
    add("assist-device-day", of, assist.devicePerDay);
  }
  // Whoever names ever new devices gets no more than the key has.
  if (app !== undefined && (key === undefined || key.dailyQuota === null)) {
    add("assist-key-day", app, assist.devicePerDay);
  }
}

/** What the limits of an app are counted under: the chain of its key, or its static key's name. */
function appOf({ key, app }: Principal): string | undefined {
  return key === undefined ? app : String(key.quotaGroup);
}

function limitOf(rules: LimitRules, allowance: Allowance): AppliedLimit | undefined {
  const { id, limit } = allowance;
  const mode = modeOf(rules, id);
  if (limit === undefined || mode === "off") return undefined;
  const applied = made({ ...allowance, limit }, rules);
  return mode === "report" ? { ...applied, reportOnly: true } : applied;
}

function modeOf({ ways, modes }: LimitRules, id: LimitId): Mode {
  const { shape } = policies[id];
  const usual = shape === "hold" ? modes.abuse : shape === "dailyQuota" ? modes.quotas : modes.rates;
  return ways[id]?.mode ?? usual;
}

function made(allowance: Allowance & { readonly limit: number }, rules: LimitRules): AppliedLimit {
  const { id, of, limit, burst = limit } = allowance;
  const policy: Policy = policies[id];
  const way = rules.ways[id];
  const isDaily = policy.shape === "dailyQuota";
  return {
    id,
    scope: policy.scope,
    shape: policy.shape === "window" ? shapes[way?.algorithm ?? "anchored"] : policy.shape,
    key: `${id}:${of}`,
    limit,
    windowMs: windowOf(policy, rules),
    cost: 1,
    capacity: policy.shape !== "bucket" || limit === 0 ? 0 : burst,
    code: policy.code ?? "RATE_LIMITED",
    ...(isDaily && policy.code === undefined ? { reason: "daily_quota" as const } : {}),
    ...(way?.failMode === undefined ? {} : { failMode: way.failMode }),
  };
}

const shapes = { anchored: "window", aligned: "aligned", sliding: "sliding" } as const;

function windowOf({ shape, window }: Policy, { windowMs }: LimitRules): number {
  if (shape === "dailyQuota") return DAY_MS;
  if (shape === "lease") return LEASE_MS;
  return window === "setting" ? windowMs : MINUTE_MS;
}

function isOfCalls(limit: AppliedLimit): boolean {
  return isLease(limit) || isInTokens(limit);
}

export function isInTokens({ id }: AppliedLimit): boolean {
  return (policies as Readonly<Record<string, Policy>>)[id]?.isInTokens === true;
}

export function isLease({ shape }: AppliedLimit): boolean {
  return shape === "lease";
}

function orderOf(id: string): number {
  return (limitIds as readonly string[]).indexOf(id);
}

function epochFence(epoch: number): AppliedLimit {
  return {
    id: "epoch",
    scope: "user",
    shape: "epoch",
    key: EPOCH_KEY,
    limit: epoch,
    windowMs: 1,
    cost: 0,
    capacity: 0,
    code: "RATE_LIMITED",
  };
}
