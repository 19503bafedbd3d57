import type { AppliedLimit } from "./admit.ts";

/** What is always so about a limit. `window` says how long it is: the setting's, or a minute. */
export type Policy = {
  readonly scope: AppliedLimit["scope"];
  readonly shape: "window" | "dailyQuota" | "bucket" | "lease" | "hold";
  readonly window?: "setting";
  /** Costs tokens instead of one. */
  readonly isInTokens?: true;
  readonly code?: AppliedLimit["code"];
};

/** Every limit there is (A1 to A7, K9), in the order in which refusals are reported. */
export const policies = {
  "key-cooldown": { scope: "key", shape: "hold", code: "COOLDOWN" },
  "user-cooldown": { scope: "user", shape: "hold", code: "COOLDOWN" },
  "capture-window": { scope: "user", shape: "window", window: "setting" },
  "query-window": { scope: "user", shape: "window", window: "setting" },
  "plan-window": { scope: "user", shape: "window", window: "setting" },
  "chat-window": { scope: "user", shape: "window", window: "setting" },
  "assist-user-minute": { scope: "user", shape: "window" },
  "assist-user-day": { scope: "user", shape: "dailyQuota" },
  "user-minute": { scope: "user", shape: "window" },
  "user-day": { scope: "user", shape: "dailyQuota" },
  "user-tokens-minute": { scope: "user", shape: "bucket", isInTokens: true },
  "user-parallel": { scope: "user", shape: "lease" },
  "key-day": { scope: "key", shape: "dailyQuota", code: "QUOTA_EXCEEDED" },
  "key-plan-minute": { scope: "key", shape: "window" },
  "key-plan-day": { scope: "key", shape: "dailyQuota" },
  "key-tokens-minute": { scope: "key", shape: "bucket", isInTokens: true },
  "key-parallel": { scope: "key", shape: "lease" },
  "assist-ip-minute": { scope: "address", shape: "bucket" },
  "ip-minute": { scope: "address", shape: "bucket" },
  "assist-key-minute": { scope: "key", shape: "bucket" },
  "key-minute": { scope: "key", shape: "bucket" },
  "assist-device-minute": { scope: "device", shape: "bucket" },
  "assist-device-day": { scope: "device", shape: "dailyQuota" },
  "assist-key-day": { scope: "key", shape: "dailyQuota" },
} as const satisfies Record<string, Policy>;

export type LimitId = keyof typeof policies;
export const limitIds = Object.keys(policies) as readonly LimitId[];

export function isLimitId(text: string): text is LimitId {
  return Object.hasOwn(policies, text);
}
