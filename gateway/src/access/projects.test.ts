import assert from "node:assert/strict";
import { test } from "node:test";
import type { Principal, Role } from "../identity/principal.ts";
import { maySpendIn, type Project } from "./projects.ts";

function principal(userId: string, role: Role, keyProject?: number | null): Principal {
  const key = { kind: "key", keyId: 1, prefix: "AbCdEf012345", scopes: [], dailyQuota: null } as const;
  const credential =
    keyProject === undefined ? ({ kind: "static" } as const) : { ...key, projectId: keyProject };
  return { userId, role, credential, epoch: 1 };
}

const project = (archivedAt: Date | null = null): Project => ({
  id: 7,
  name: "Seven",
  description: null,
  ownerId: "usr_ann",
  createdAt: new Date(0),
  archivedAt,
});

const callers: readonly (readonly [string, Principal, boolean])[] = [
  ["its owner", principal("usr_ann", "developer"), true],
  ["its owner by a key of no project", principal("usr_ann", "developer", null), true],
  ["its owner by a key of another project", principal("usr_ann", "developer", 8), false],
  ["a stranger", principal("usr_bob", "developer"), false],
  ["a stranger who manages", principal("usr_bob", "manager"), false],
  ["a stranger by a key of no project", principal("usr_bob", "developer", null), false],
  ["anybody by a key of this project", principal("usr_bob", "developer", 7), true],
  ["an administrator", principal("usr_bob", "admin"), true],
  ["an administrator by a key of another project", principal("usr_bob", "admin", 8), false],
];

for (const [who, caller, allowed] of callers) {
  test(`${who} ${allowed ? "may" : "may not"} spend in a project`, () => {
    assert.equal(maySpendIn(caller, project()), allowed);
  });
}

test("nobody spends in an archived project", () => {
  for (const [who, caller] of callers) assert.equal(maySpendIn(caller, project(new Date(1))), false, who);
});
