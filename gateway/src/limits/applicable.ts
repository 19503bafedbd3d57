import type { Principal } from "../identity/principal.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { AppliedLimit } from "./admit.ts";

/** What kind of work an endpoint is, as far as limits are concerned (A1). `manage` is all that asks no model. */
export type EndpointClass = "capture" | "query" | "plan" | "chat" | "manage";

/** How much each limit allows; an absent one limits nothing, 0 refuses everything. */
export type LimitRules = {
  readonly windowMs: number;
  /** Per user and endpoint class (A1). */
  readonly perClassWindow: Readonly<Partial<Record<EndpointClass, number>>>;
  /** Everybody's plan, per user. */
  readonly plan: { readonly requestsPerMinute?: number; readonly dailyRequests?: number };
  readonly keyBucket: BucketRule | undefined;
  readonly addressBucket: BucketRule | undefined;
  /** Stable, one-way name of an address: state outside the process never holds addresses. */
  readonly subjectOfAddress: (address: string) => string;
};

export type BucketRule = { readonly perMinute: number; readonly burst: number };

const MINUTE_MS = 60_000;

/** Where the auth epoch is fenced; raised by whoever changes an identity. */
export const EPOCH_KEY = "epoch";

type Subject = { readonly principal: Principal; readonly address: string };

/** Every limit that meets this call, in the order in which a refusal is reported (A2). */
export function applicableLimits(
  rules: LimitRules,
  { principal, address }: Subject,
  endpointClass: EndpointClass,
): readonly AppliedLimit[] {
  const { userId, key, epoch } = principal;
  const limits: AppliedLimit[] = [];
  const classLimit = rules.perClassWindow[endpointClass];
  if (classLimit !== undefined) {
    limits.push(
      window(`${endpointClass}-window`, "user", `${endpointClass}:${userId}`, classLimit, rules.windowMs),
    );
  }
  const { requestsPerMinute, dailyRequests } = rules.plan;
  if (requestsPerMinute !== undefined) {
    limits.push(window("user-minute", "user", userId, requestsPerMinute, MINUTE_MS));
  }
  const spends = endpointClass !== "manage";
  if (dailyRequests !== undefined && spends) {
    limits.push({
      ...daily("user-day", "user", userId, dailyRequests),
      code: "RATE_LIMITED",
      reason: "daily_quota",
    });
  }
  if (key !== undefined && key.dailyQuota !== null && spends) {
    limits.push({
      ...daily("key-day", "key", String(key.quotaGroup), key.dailyQuota),
      code: "QUOTA_EXCEEDED",
    });
  }
  if (rules.addressBucket !== undefined) {
    limits.push(bucket("ip-minute", "address", rules.subjectOfAddress(address), rules.addressBucket));
  }
  if (key !== undefined && rules.keyBucket !== undefined) {
    limits.push(bucket("key-minute", "key", String(key.quotaGroup), rules.keyBucket));
  }
  limits.push(epochFence(epoch));
  return limits;
}

type Scope = AppliedLimit["scope"];

function window(id: string, scope: Scope, subject: string, limit: number, windowMs: number): AppliedLimit {
  return {
    id,
    scope,
    shape: "window",
    key: `${id}:${subject}`,
    limit,
    windowMs,
    cost: 1,
    capacity: 0,
    code: "RATE_LIMITED",
  };
}

function daily(id: string, scope: Scope, subject: string, limit: number) {
  const shape = "dailyQuota" as const;
  return { id, scope, shape, key: `${id}:${subject}`, limit, windowMs: DAY_MS, cost: 1, capacity: 0 };
}

function bucket(id: string, scope: Scope, subject: string, rule: BucketRule): AppliedLimit {
  const { perMinute: limit, burst: capacity } = rule;
  return {
    id,
    scope,
    shape: "bucket",
    key: `${id}:${subject}`,
    limit,
    windowMs: MINUTE_MS,
    cost: 1,
    capacity: limit === 0 ? 0 : capacity,
    code: "RATE_LIMITED",
  };
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
