import { limitPlan } from "../gateway/src/config/config.ts";
import { readSettings } from "../gateway/src/config/environment.ts";
import type { KeyGrant, Principal } from "../gateway/src/identity/principal.ts";
import type { AppliedLimit } from "../gateway/src/limits/admit.ts";
import { applicableLimits, type EndpointClass, type Subject } from "../gateway/src/limits/applicable.ts";
import type { PlanLimits } from "../gateway/src/limits/plan.ts";
import { type LimitId, limitIds, policies } from "../gateway/src/limits/policies.ts";

/** Where each limit's number stands: in settings, in a plan, or with a key. `documents.test.ts` tries the settings. */
export const limitSources: Readonly<Record<LimitId, readonly string[]>> = {
  "key-cooldown": ["ABUSE_*"],
  "user-cooldown": ["ABUSE_*"],
  "capture-window": ["RATE_LIMIT_CAPTURE_PER_WINDOW"],
  "query-window": ["RATE_LIMIT_QUERY_PER_WINDOW"],
  "plan-window": ["RATE_LIMIT_PLAN_PER_WINDOW"],
  "chat-window": ["RATE_LIMIT_CHAT_PER_WINDOW"],
  "assist-user-minute": ["ASSIST_USER_RATE_LIMIT_PER_MINUTE"],
  "assist-user-day": ["ASSIST_USER_DAILY_QUOTA"],
  "user-minute": ["requests_per_minute"],
  "user-day": ["daily_requests"],
  "user-tokens-minute": ["tokens_per_minute"],
  "user-parallel": ["calls_in_flight"],
  "key-day": ["daily_quota"],
  "key-plan-minute": ["requests_per_minute"],
  "key-plan-day": ["daily_requests"],
  "key-tokens-minute": ["tokens_per_minute"],
  "key-parallel": ["calls_in_flight"],
  "assist-ip-minute": ["ASSIST_IP_RATE_LIMIT_PER_MINUTE"],
  "ip-minute": ["IP_RATE_LIMIT_PER_MINUTE", "IP_RATE_LIMIT_BURST"],
  "assist-key-minute": ["ASSIST_RATE_LIMIT_PER_MINUTE"],
  "key-minute": ["KEY_RATE_LIMIT_PER_MINUTE", "KEY_RATE_LIMIT_BURST"],
  "assist-device-minute": ["ASSIST_DEVICE_RATE_LIMIT_PER_MINUTE"],
  "assist-device-day": ["ASSIST_DAILY_QUOTA"],
  "assist-key-day": ["ASSIST_DAILY_QUOTA"],
};

/** Cells: id, per, shape, requests, default, where its number stands. Found by asking `limits/applicable.ts`. */
export function limitRows(): readonly (readonly string[])[] {
  const usual = limitsMet({}, {});
  const all = limitsMet(
    { RATE_LIMIT_CHAT_PER_WINDOW: "1" },
    { requestsPerMinute: 1, tokensPerMinute: 1, callsInFlight: 1, dailyRequests: 1 },
  );
  return limitIds.map((id) => {
    const { scope, shape } = policies[id];
    const classes = classNames.filter((name) => all.some((met) => met.name === name && met.limit.id === id));
    const found = usual.find(({ limit }) => limit.id === id)?.limit;
    return [`\`${id}\``, scope, shapeWords[shape], met(id, classes), amount(found), sourceText(id)];
  });
}

type Met = { readonly name: EndpointClass; readonly limit: AppliedLimit };

/** What an AI call of each class meets: with a key, with and without a device, and without a key. */
export function limitsMet(variables: Readonly<Record<string, string>>, plan: PlanLimits): readonly Met[] {
  const file = { providers: {}, aliases: {}, prices: {}, plans: {}, limits: {}, operations: {} };
  const subjects = { subjectOfAddress: String, subjectOfDevice: String };
  const limitsOf = applicableLimits({ ...limitPlan(readSettings(variables), file), ...subjects });
  const isWithPlan = Object.keys(plan).length > 0;
  const caller = { ...person, plan: { name: "default", limits: plan } };
  const key = { ...grant, plan: isWithPlan ? caller.plan : null };
  const callers: readonly Subject[] = [
    {
      principal: { ...caller, key: { ...key, dailyQuota: isWithPlan ? 1 : null } },
      address: "",
      device: "d",
    },
    { principal: { ...caller, key }, address: "" },
    { principal: { ...caller, credential: { kind: "session", sessionId: "" } }, address: "" },
  ];
  const call = { id: "call", tokens: { certain: 0, likely: 0 } };
  return callers.flatMap((subject) =>
    classNames.flatMap((name) => limitsOf(subject, { class: name, call }).map((limit) => ({ name, limit }))),
  );
}

const classNames: readonly EndpointClass[] = ["capture", "query", "plan", "assist", "chat", "manage"];
const grant: KeyGrant = {
  ...{ keyId: 1, prefix: "", quotaGroup: 1, ownerId: "usr", ownerRole: "developer", scopes: [] },
  ...{ projectId: null, dailyQuota: null, allowedModels: null, allowedNetworks: null, plan: null },
  expiresAtMs: null,
};
const person: Principal = {
  ...{ userId: "usr", role: "developer", credential: { kind: "key" }, overrides: {}, epoch: 0 },
  plan: { name: "default", limits: {} },
};
const shapeWords = {
  window: "window",
  dailyQuota: "daily quota",
  bucket: "bucket",
  lease: "calls in flight",
  hold: "cooldown",
} as const;

function met(id: LimitId, classes: readonly EndpointClass[]): string {
  const { shape } = policies[id];
  if ("isInTokens" in policies[id]) return "AI calls, by tokens";
  if (shape === "lease") return "AI calls";
  if (classes.length === classNames.length) return "all";
  return classes.length === classNames.length - 1 ? "all but `manage`" : `\`${classes.join("`, `")}\``;
}

function amount(limit: AppliedLimit | undefined): string {
  if (limit === undefined || limit.isHidden) return "none";
  const { shape, windowMs, capacity } = limit;
  const many = limit.limit.toLocaleString("en-US");
  if (shape === "hold") return "after repeated refusals";
  if (shape === "dailyQuota") return `${many} a UTC day`;
  if (shape === "bucket") return `${many} a minute, burst ${capacity.toLocaleString("en-US")}`;
  return `${many} in ${windowMs / 1000} s`;
}

function sourceText(id: LimitId): string {
  const sources = limitSources[id].map((name) => `\`${name}\``).join(", ");
  if (id === "key-day") return `${sources} of the key`;
  if (/^`[A-Z]/.test(sources)) return sources;
  return `${sources} of the ${id.startsWith("key-") ? "key" : "user"}'s plan`;
}
