import type { Network } from "../lib/networks.ts";
import type { Plan } from "../limits/plan.ts";

/** What a user may do at most; see `access/permissions.ts`. */
export type Role = "admin" | "manager" | "developer" | "viewer";

/** How a caller proved who it is. */
export type Credential =
  | { readonly kind: "static" }
  | { readonly kind: "key" }
  | { readonly kind: "session"; readonly sessionId: string };

/** What an API key allows, and what it is counted under. */
export type KeyGrant = {
  readonly keyId: number;
  readonly prefix: string;
  /** The chain of rotated keys that shares one quota and one bucket. */
  readonly quotaGroup: number;
  readonly ownerId: string;
  readonly ownerRole: Role;
  /** As granted; what counts is their intersection with the owner's role. */
  readonly scopes: readonly string[];
  /** The key's calls are paid by this project. */
  readonly projectId: number | null;
  readonly dailyQuota: number | null;
  /** `provider/model`, `provider/*`, or a name as callers write it; null: all. */
  readonly allowedModels: readonly string[] | null;
  /** Networks that the key may be used from; null: all. */
  readonly allowedNetworks: readonly Network[] | null;
  /** Limits of the key's chain, besides those of its user. */
  readonly plan: Plan | null;
  /** Milliseconds since the epoch; null: it does not end by itself. */
  readonly expiresAtMs: number | null;
};

/** Who is calling. Immutable; a change to the user or the key makes a new one at the next look-up. */
export type Principal = {
  readonly userId: string;
  readonly role: Role;
  readonly credential: Credential;
  /** The API key of this call: the credential itself, or an app's own beside the user who signed in. */
  readonly key?: KeyGrant;
  /** The app whose static key came beside the user, where that is no API key: a stable, one-way name. */
  readonly app?: string;
  readonly plan: Plan;
  /** What an administrator has set for this user in place of a limit's own number, by the limit's id. */
  readonly overrides: Readonly<Record<string, number>>;
  /** The auth epoch this was read at. A limit decision that knows a newer one refuses it as stale. */
  readonly epoch: number;
};
