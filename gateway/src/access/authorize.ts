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
export function effectiveScopes({ role, key }: Pick<Principal, "role" | "key">): ReadonlySet<Scope> {
  const ofRole = scopesOfRole[role];
  if (key === undefined) return ofRole;
  const ofOwner = scopesOfRole[key.ownerRole];
  return new Set([...ofRole].filter((scope) => key.scopes.includes(scope) && ofOwner.has(scope)));
}

/** Everything is open to administrators, but not to a narrow key of theirs, nor beside an app's key. */
export function isAdministrator(caller: Pick<Principal, "role" | "key">): boolean {
  return caller.role === "admin" && effectiveScopes(caller).has("admin:*");
}

const allowed = new WeakMap<Principal, ReadonlySet<Scope>>();

/** How the scopes of keys are rolled out (X4); `report` lets a key through and says that it lacked the scope. */
export type ScopesMode = "off" | "report" | "enforce";

/**
 * Throws FORBIDDEN for who had to sign in, SCOPE_MISSING unless the principal has the scope (K7). What a role may not
 * do, and what administrators do, is refused in every mode. False: let through by the mode alone.
 */
export function authorize(
  principal: Principal,
  { scope, signedIn }: Permission,
  mode: ScopesMode = "enforce",
): boolean {
  if (signedIn === true && principal.credential.kind !== "session") {
    throw new TollgateError("FORBIDDEN", undefined, { message: "Only a person who signed in may do this." });
  }
  if (scope === "none") return true;
  let scopes = allowed.get(principal);
  if (scopes === undefined) {
    scopes = effectiveScopes(principal);
    allowed.set(principal, scopes);
  }
  if (scopes.has(scope)) return true;
  if (mode !== "enforce" && scope !== "admin:*" && scopesOfRole[principal.role].has(scope))
    return mode === "off";
  throw new TollgateError("SCOPE_MISSING", { requiredScope: scope });
}
