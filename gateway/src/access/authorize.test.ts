import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Principal, Role } from "../identity/principal.ts";
import { authorize, effectiveScopes } from "./authorize.ts";
import { isScope, type Scope, scopes, scopesOfRole } from "./permissions.ts";

const roles: readonly Role[] = ["admin", "manager", "developer", "viewer"];

function principal(role: Role, keyScopes?: readonly string[]): Principal {
  const key = { kind: "key", keyId: 1, prefix: "AbCdEf012345", projectId: null, dailyQuota: null } as const;
  const credential = keyScopes === undefined ? ({ kind: "static" } as const) : { ...key, scopes: keyScopes };
  return { userId: "usr_ann", role, credential, epoch: 1 };
}

function isAllowed(who: Principal, scope: Scope): boolean {
  try {
    authorize(who, scope);
    return true;
  } catch (error) {
    assert.deepEqual(
      [(error as { code?: string }).code, (error as { details?: unknown }).details],
      ["SCOPE_MISSING", { requiredScope: scope }],
    );
    return false;
  }
}

test("a key may do what both its scopes and its owner's role allow, and nothing else", () => {
  const someScopes = fc.subarray([...scopes, "made:up", "admin", "*"]);
  fc.assert(
    fc.property(fc.constantFrom(...roles), someScopes, fc.constantFrom(...scopes), (role, own, scope) => {
      const expected = scopesOfRole[role].has(scope) && own.includes(scope);
      const who = principal(role, own);
      assert.equal(isAllowed(who, scope), expected);
      assert.equal(isAllowed(who, scope), expected);
    }),
  );
});

test("a key without scopes may do nothing", () => {
  assert.equal(effectiveScopes(principal("admin", [])).size, 0);
});

test("without a key the role alone decides", () => {
  for (const role of roles) {
    for (const scope of scopes) {
      assert.equal(isAllowed(principal(role), scope), scopesOfRole[role].has(scope), `${role} ${scope}`);
    }
  }
});

test("only administrators administer, and viewers only read", () => {
  assert.deepEqual(
    roles.filter((role) => scopesOfRole[role].has("admin:*")),
    ["admin"],
  );
  assert.deepEqual(
    [...scopesOfRole.viewer].filter((scope) => !scope.endsWith(":read")),
    [],
  );
});

test("scopes that do not exist are none", () => {
  for (const scope of scopes) assert.ok(isScope(scope));
  for (const text of ["", "inference", "inference:read", "admin:", "toString", "INFERENCE:WRITE"])
    assert.ok(!isScope(text), text);
});
