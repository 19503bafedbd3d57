import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Principal } from "../identity/principal.ts";
import { grant, principal } from "../identity/testing.ts";
import { TollgateError } from "../lib/errors.ts";
import { effectiveScopes } from "./authorize.ts";
import { authorizeGrant, isLimited } from "./grants.ts";
import { scopes } from "./permissions.ts";

const roles = ["admin", "manager", "developer", "viewer"] as const;

function caller(role: Principal["role"], key?: Principal["key"]): Principal {
  const bare = principal({ role });
  return key === undefined ? bare : { ...bare, key };
}

function refusal(who: Principal, wanted: readonly string[]): TollgateError | undefined {
  try {
    authorizeGrant(who, wanted);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof TollgateError);
    return error;
  }
}

test("nobody hands out a scope that they do not have themselves", () => {
  const some = fc.subarray([...scopes]);
  const callers = fc.record({
    role: fc.constantFrom(...roles),
    ownerRole: fc.constantFrom(...roles),
    own: some,
  });
  fc.assert(
    fc.property(callers, fc.boolean(), some, ({ role, ownerRole, own }, hasKey, wanted) => {
      const principal = caller(role, hasKey ? grant({ scopes: own, ownerRole }) : undefined);
      const missing = wanted.find((scope) => !effectiveScopes(principal).has(scope));
      const error = refusal(principal, wanted);
      if (missing === undefined) assert.equal(error, undefined);
      else {
        assert.ok(error?.is("SCOPE_MISSING") && error.details.requiredScope === missing);
        assert.ok(error.message.endsWith(`you lack the scope ${missing}.`));
      }
    }),
  );
});

test("a key with any limit of its own hands out nothing, not even less", () => {
  for (const limit of [
    { projectId: 1 },
    { dailyQuota: 0 },
    { plan: { name: "small", limits: {} } },
    { allowedModels: [] },
    { allowedNetworks: [] },
    { expiresAtMs: 0 },
  ]) {
    assert.ok(isLimited(grant(limit)));
    assert.equal(refusal(caller("admin", grant({ ...limit, scopes: [...scopes] })), [])?.code, "FORBIDDEN");
  }
  assert.ok(!isLimited(grant({ scopes: [] })));
});
