import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Principal, Role } from "../identity/principal.ts";
import { grant, principal } from "../identity/testing.ts";
import { authorize, effectiveScopes } from "./authorize.ts";
import { isScope, type Scope, scopes, scopesOfRole } from "./permissions.ts";

const roles: readonly Role[] = ["admin", "manager", "developer", "viewer"];

function withRole(role: Role, keyScopes?: readonly string[]): Principal {
  if (keyScopes === undefined) return principal({ role });
  const key = grant({ scopes: keyScopes, ownerRole: role });
  return principal({ role, credential: { kind: "key" }, key });
}

function isAllowed(who: Principal, scope: Scope): boolean {
  try {
    authorize(who, { scope });
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
      const who = withRole(role, own);
      assert.equal(isAllowed(who, scope), expected);
      assert.equal(isAllowed(who, scope), expected);
    }),
  );
});

test("a signed-in user beside an app's key may do what user, key and the key's owner all may", () => {
  const someScopes = fc.subarray([...scopes]);
  const some = fc.constantFrom(...roles);
  fc.assert(
    fc.property(some, some, someScopes, fc.constantFrom(...scopes), (role, ownerRole, own, scope) => {
      const key = grant({ scopes: own, ownerRole, ownerId: "usr_app" });
      const credential = { kind: "session", sessionId: "s" } as const;
      const who = principal({ role, credential, key });
      const expected = [
        scopesOfRole[role].has(scope),
        own.includes(scope),
        scopesOfRole[ownerRole].has(scope),
      ];
      assert.equal(isAllowed(who, scope), expected.every(Boolean));
    }),
  );
});

test("what asks for a person takes neither a key nor a static token, whatever its scopes", () => {
  const personal = { scope: "none", signedIn: true } as const;
  for (const who of [withRole("admin"), withRole("admin", scopes)]) {
    assert.throws(() => authorize(who, personal), { code: "FORBIDDEN" });
  }
  const credential = { kind: "session", sessionId: "s" } as const;
  authorize(principal({ role: "viewer", credential }), personal);
});

test("what asks for no scope takes whoever is identified", () => {
  for (const who of [withRole("viewer"), withRole("viewer", [])]) authorize(who, { scope: "none" });
});

test("a key without scopes may do nothing", () => {
  assert.equal(effectiveScopes(withRole("admin", [])).size, 0);
});

test("without a key the role alone decides", () => {
  for (const role of roles) {
    for (const scope of scopes) {
      assert.equal(isAllowed(withRole(role), scope), scopesOfRole[role].has(scope), `${role} ${scope}`);
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
