import type { KyselyPlugin } from "kysely";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import { derivedKey } from "../lib/secrets.ts";
import { holdPlan, planOf } from "../limits/plans.ts";
import { StoreUnavailable } from "../store/outages.ts";
import type { Db } from "../store/tables.ts";
import { type Cause, changes } from "../telemetry/change.ts";
import { accessTokens } from "./access-token.ts";
import { issueApiKey, type NewApiKey } from "./api-keys.ts";
import { hashGate } from "./hash-gate.ts";
import { passwords } from "./passwords.ts";
import type { KeyGrant, Principal, Role } from "./principal.ts";
import { refreshTokens } from "./refresh-token.ts";
import { raiseEpoch } from "./users.ts";

/** Imported by tests only. */
const secretKey = Buffer.alloc(32, 0x0f);
export const testPepper = derivedKey(secretKey, "apikey-pepper");

/** The configuration file has none. */
const noPlans = new Map<string, never>();

/** Who changes things in tests. */
export const tester: Cause = { actor: { type: "system", id: "test" } };

/** Everything identity asks for, in virtual time and with repeatable chance. Changes are announced to nobody. */
export function identityDeps(db: Db, seed: number) {
  const clock = new VirtualClock();
  const chance = seededChance(seed);
  const macKey = derivedKey(secretKey, "audit-mac");
  const jwtKeys = [derivedKey(secretKey, "jwt-hs256")];
  return {
    db,
    clock,
    chance,
    pepper: testPepper,
    peppers: [testPepper],
    macKeys: [macKey],
    change: changes({ db, clock, chance, macKey, raiseEpoch, announce: async () => {} }),
    planOf: planOf(noPlans),
    holdPlan: holdPlan(noPlans),
    passwords: passwords(hashGate({ running: 2, waiting: 32 })),
    refreshTokens: refreshTokens({
      digestKeys: [derivedKey(secretKey, "refresh-digest")],
      nextKeys: [derivedKey(secretKey, "refresh-next")],
      chance,
    }),
    graceMs: 10_000,
    accessTokens: accessTokens({ keys: jwtKeys, issuer: "tollgate", ttlSeconds: 86_400, clock, chance }),
  };
}

export type IdentityDeps = ReturnType<typeof identityDeps>;

export async function userNamed(db: Db, id: string, role: Role = "developer") {
  await db
    .insertInto("users")
    .values({ id, name: id, role, created_at: new Date(0) })
    .execute();
  return id;
}

/** A key of `userId` that may do everything a developer may; what a test is about is said in `fields`. */
export function issued(deps: IdentityDeps, userId: string, fields: Partial<NewApiKey> = {}) {
  const scopes = ["inference:write", "costs:read"];
  const usual = { name: "test", scopes, projectId: null, dailyQuota: null, expiresAt: null };
  return issueApiKey(deps, tester, { userId, ...usual, ...fields });
}

/** What a key without restrictions allows its owner usr_ann; what a test is about is said in `fields`. */
export function grant(fields: Partial<KeyGrant> = {}): KeyGrant {
  return {
    keyId: 9,
    prefix: "AbCdEf012345",
    quotaGroup: 9,
    ownerId: "usr_ann",
    ownerRole: "developer",
    scopes: [],
    projectId: null,
    dailyQuota: null,
    allowedModels: null,
    allowedNetworks: null,
    plan: null,
    expiresAtMs: null,
    ...fields,
  };
}

/** usr_ann, a developer by a static token, on the default plan; what a test is about is said in `fields`. */
export function principal(fields: Partial<Principal> = {}): Principal {
  return {
    userId: "usr_ann",
    role: "developer",
    credential: { kind: "static" },
    plan: { name: "default", limits: {} },
    overrides: {},
    epoch: 1,
    ...fields,
  };
}

/** The same database, counted, out of reach while `isDown`, and slow to hand over the next answer if asked to `hold`. */
export function watched(db: Db) {
  const state = { queries: 0, isDown: false };
  let gate: { reached(): void; readonly opened: Promise<void> } | undefined;
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      state.queries += 1;
      if (state.isDown) throw new StoreUnavailable("out of reach");
      return node;
    },
    async transformResult({ result }) {
      const held = gate;
      gate = undefined;
      held?.reached();
      await held?.opened;
      return result;
    },
  };
  function hold() {
    const reached = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    gate = { reached: reached.resolve, opened: opened.promise };
    return { reached: reached.promise, release: opened.resolve };
  }
  return Object.assign(state, { hold, db: db.withPlugin(plugin) });
}
