import type { Principal } from "../identity/principal.ts";
import { TollgateError } from "../lib/errors.ts";
import { type Scope, scopesOfRole } from "./permissions.ts";

/** What this principal may do: its role's scopes, narrowed to the key's own where it came with a key. */
export function effectiveScopes(principal: Principal): ReadonlySet<Scope> {
  const ofRole = scopesOfRole[principal.role];
  const { credential } = principal;
  if (credential.kind !== "key") return ofRole;
  return new Set([...ofRole].filter((scope) => credential.scopes.includes(scope)));
}

const allowed = new WeakMap<Principal, ReadonlySet<Scope>>();

/** Throws SCOPE_MISSING unless the principal has the scope (K7). */
export function authorize(principal: Principal, scope: Scope): void {
  let scopes = allowed.get(principal);
  if (scopes === undefined) {
    scopes = effectiveScopes(principal);
    allowed.set(principal, scopes);
  }
  if (!scopes.has(scope)) throw new TollgateError("SCOPE_MISSING", { requiredScope: scope });
}
