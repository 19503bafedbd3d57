import type { Principal } from "../identity/principal.ts";
import { TollgateError } from "../lib/errors.ts";
import { type Scope, scopesOfRole } from "./permissions.ts";

/** What an endpoint asks of its caller's rights. */
export type Permission = {
  /** `none`: whoever is identified. */
  readonly scope: Scope | "none";
  /** Only a person who signed in: no API key and no static token does this, whatever its scopes. */
  readonly signedIn?: true;
};

/** What this principal may do: its role's scopes, narrowed to those of the key it came with and of the key's owner. */
export function effectiveScopes({ role, key }: Principal): ReadonlySet<Scope> {
  const ofRole = scopesOfRole[role];
  if (key === undefined) return ofRole;
  const ofOwner = scopesOfRole[key.ownerRole];
  return new Set([...ofRole].filter((scope) => key.scopes.includes(scope) && ofOwner.has(scope)));
}

const allowed = new WeakMap<Principal, ReadonlySet<Scope>>();

/** Throws FORBIDDEN for who had to sign in, SCOPE_MISSING unless the principal has the scope (K7). */
export function authorize(principal: Principal, { scope, signedIn }: Permission): void {
  if (signedIn === true && principal.credential.kind !== "session") {
    throw new TollgateError("FORBIDDEN", undefined, { message: "Only a person who signed in may do this." });
  }
  if (scope === "none") return;
  let scopes = allowed.get(principal);
  if (scopes === undefined) {
    scopes = effectiveScopes(principal);
    allowed.set(principal, scopes);
  }
  if (!scopes.has(scope)) throw new TollgateError("SCOPE_MISSING", { requiredScope: scope });
}
