import type { Role } from "../identity/principal.ts";

/** What a key may be allowed to do. `admin:*` is every administrator's action. */
export const scopes = [
  "inference:write",
  "thoughts:read",
  "thoughts:write",
  "assist:write",
  "jobs:read",
  "jobs:write",
  "projects:read",
  "projects:write",
  "costs:read",
  "keys:manage",
  "limits:read",
  "events:read",
  "admin:*",
] as const;

export type Scope = (typeof scopes)[number];

const readOnly: readonly Scope[] = [
  "thoughts:read",
  "jobs:read",
  "projects:read",
  "costs:read",
  "limits:read",
  "events:read",
];
const developer: readonly Scope[] = scopes.filter((scope) => scope !== "admin:*");

/** What each role may do at most; a key never has more than its owner's role. */
export const scopesOfRole: Record<Role, ReadonlySet<Scope>> = {
  admin: new Set(scopes),
  manager: new Set(developer),
  developer: new Set(developer),
  viewer: new Set(readOnly),
};

export function isScope(value: string): value is Scope {
  return (scopes as readonly string[]).includes(value);
}
