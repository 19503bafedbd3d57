import type { KeyGrant, Principal } from "../identity/principal.ts";
import { TollgateError } from "../lib/errors.ts";
import { effectiveScopes } from "./authorize.ts";

/** Does the key allow less than its scopes say? */
export function isLimited(key: KeyGrant): boolean {
  const { projectId, dailyQuota, plan, allowedModels, allowedNetworks, expiresAtMs } = key;
  const limits = [projectId, dailyQuota, plan, allowedModels, allowedNetworks, expiresAtMs];
  return limits.some((limit) => limit !== null);
}

/**
 * May the caller hand out a key with these scopes? Nobody hands out more than they have: throws FORBIDDEN for a caller
 * with a limited key, whose limits the other key would not have, and SCOPE_MISSING with the first scope it lacks.
 */
export function authorizeGrant(principal: Principal, scopes: readonly string[]): void {
  if (principal.key !== undefined && isLimited(principal.key)) {
    throw new TollgateError("FORBIDDEN", undefined, {
      message: "A key that is itself limited may list and revoke keys, and neither make nor change them.",
    });
  }
  const own: ReadonlySet<string> = effectiveScopes(principal);
  const missing = scopes.find((scope) => !own.has(scope));
  if (missing !== undefined) {
    throw new TollgateError(
      "SCOPE_MISSING",
      { requiredScope: missing },
      { message: `A key may not have more rights than who hands it out: you lack the scope ${missing}.` },
    );
  }
}
