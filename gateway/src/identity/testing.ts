import type { KyselyPlugin } from "kysely";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import { derivedKey } from "../lib/secrets.ts";
import { StoreUnavailable } from "../store/outages.ts";
import type { Db } from "../store/tables.ts";
import { issueApiKey, type NewApiKey } from "./api-keys.ts";

/** Imported by tests only. */
export const testPepper = derivedKey(Buffer.alloc(32, 0x0f), "apikey-pepper");

/** Everything identity asks for, in virtual time and with repeatable chance. */
export function identityDeps(db: Db, seed: number) {
  return { db, clock: new VirtualClock(), chance: seededChance(seed), pepper: testPepper };
}

export type IdentityDeps = ReturnType<typeof identityDeps>;

export async function userNamed(db: Db, id: string, role: "admin" | "developer" | "viewer" = "developer") {
  await db
    .insertInto("users")
    .values({ id, name: id, role, created_at: new Date(0) })
    .execute();
  return id;
}

/** A key of `userId` that may do everything a developer may; what a test is about is said in `fields`. */
export function issued(deps: IdentityDeps, userId: string, fields: Partial<NewApiKey> = {}) {
  const scopes = ["inference:write", "costs:read"];
  const usual = {
    name: "test",
    scopes,
    projectId: null,
    dailyQuota: null,
    expiresAt: null,
    createdBy: "test",
  };
  return issueApiKey(deps, { userId, ...usual, ...fields });
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
