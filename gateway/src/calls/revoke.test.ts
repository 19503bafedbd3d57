import assert from "node:assert/strict";
import { after, test } from "node:test";
import { changeApiKey, rotateApiKey } from "../identity/change-key.ts";
import { identifier } from "../identity/identify.ts";
import { revokeApiKey } from "../identity/revoke-keys.ts";
import { staticTokens } from "../identity/static-tokens.ts";
import { identityDeps, issued, tester, testPepper, userNamed } from "../identity/testing.ts";
import { raiseEpoch } from "../identity/users.ts";
import type { TollgateError } from "../lib/errors.ts";
import { admit as take } from "../limits/admit.ts";
import { applicableLimits, EPOCH_KEY } from "../limits/applicable.ts";
import { memoryCounters } from "../limits/counters.memory.ts";
import { provenQuotas } from "../limits/proven-quotas.ts";
import { testStore } from "../store/testing.ts";
import { changes } from "../telemetry/change.ts";
import { newMetrics } from "../telemetry/metrics.ts";
import { admit, enter, type Gate } from "./enter.ts";
import { quotas } from "./quotas.ts";
import { turn } from "./testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = identityDeps(db, 1);
const { clock, chance } = deps;
await userNamed(db, "usr_ann");

const ADDRESS = "198.51.100.7";
const gate: Gate = { scope: "inference:write", class: "chat" };
const limitsOf = applicableLimits({
  windowMs: 60_000,
  perClassWindow: {},
  assist: {},
  keyBucket: undefined,
  addressBucket: undefined,
  ways: {},
  modes: { rates: "enforce", quotas: "enforce", abuse: "enforce" },
  subjectOfAddress: (address) => address,
  subjectOfDevice: (device) => device,
});
/** What all instances share. */
const counters = memoryCounters({ clock });

/** An instance with a cache of its own, which hears of changes through nothing but the shared counters. */
function instance() {
  const tokens = staticTokens({ map: undefined, legacy: undefined, defaultUser: "usr_dev" }, testPepper);
  assert.ok("tokens" in tokens);
  const authority = quotas({ db, clock });
  const limits = {
    clock,
    counters,
    fallback: counters,
    localShare: 1,
    failMode: "closed",
    seedOf: authority.usedToday,
    quotas: authority,
    mirror: { note: () => {} },
    proven: provenQuotas(),
  } as const;
  const identities = identifier({ ...deps, tokens: tokens.tokens, onCache: () => {} });
  const doors = {
    identifier: identities,
    metrics: newMetrics({ callsInFlight: () => 0 }),
    limitsOf,
    scopesMode: "enforce" as const,
    abuse: { letLookUp: async () => {} },
    onWouldRefuse: () => {},
    admit: (wanted: Parameters<typeof take>[1]) => take(limits, wanted),
  };
  return {
    change: changes({
      db,
      clock,
      chance,
      macKey: Buffer.alloc(32),
      raiseEpoch,
      async announce(epoch) {
        identities.noticeEpoch(epoch);
        await counters.raiseEpoch(EPOCH_KEY, epoch);
      },
    }),
    /** The code that refused it; undefined: it passed. */
    async call(key: string): Promise<string | undefined> {
      try {
        const rawHeaders = ["Authorization", `Bearer ${key}`];
        await admit(
          doors,
          await enter(doors, { rawHeaders, address: ADDRESS }, gate),
          gate,
          undefined,
          () => {},
        );
        return undefined;
      } catch (error) {
        return (error as TollgateError).code;
      }
    },
  };
}

type Instance = ReturnType<typeof instance>;
const [here, there] = [instance(), instance()];

/** Calls without a pause on both instances; answers what came of those that began after `happens` had returned. */
async function underLoad(key: string, happens: (where: Instance) => Promise<unknown>): Promise<Set<unknown>> {
  let isOver = false;
  let hasHappened = false;
  let passed = 0;
  const afterwards = new Set<unknown>();
  async function caller(where: Instance): Promise<void> {
    while (!isOver) {
      const isAfter = hasHappened;
      const code = await where.call(key);
      if (isAfter) afterwards.add(code);
      else if (code === undefined) passed += 1;
      await turn();
    }
  }
  const callers = [here, there, here, there].map(caller);
  while (passed < 100) await turn();
  await happens(here);
  hasHappened = true;
  for (let round = 0; round < 100; round++) await turn();
  isOver = true;
  await Promise.all(callers);
  return afterwards;
}

test("once a revocation has returned, no instance lets a call with the key pass", async () => {
  const { key, apiKey } = await issued(deps, "usr_ann");
  const codes = await underLoad(key, ({ change }) => revokeApiKey({ change, clock }, tester, apiKey.prefix));
  assert.deepEqual(codes, new Set(["AUTH_INVALID"]));
});

test("once a rotation without grace has returned, the old key passes nowhere", async () => {
  const { key, apiKey } = await issued(deps, "usr_ann");
  const codes = await underLoad(key, ({ change }) =>
    rotateApiKey({ ...deps, change }, tester, apiKey.prefix, { graceSeconds: 0 }),
  );
  assert.deepEqual(codes, new Set(["AUTH_INVALID"]));
});

test("a cached key dies at the end of its grace, on every instance", async () => {
  const { key, apiKey } = await issued(deps, "usr_ann");
  for (const where of [here, there]) assert.equal(await where.call(key), undefined);
  await rotateApiKey({ ...deps, change: here.change }, tester, apiKey.prefix, { graceSeconds: 20 });
  clock.advance(19_999);
  for (const where of [here, there]) assert.equal(await where.call(key), undefined);
  clock.advance(1);
  for (const where of [here, there]) assert.equal(await where.call(key), "AUTH_INVALID");
});

test("once a key is narrowed, no instance lets it do what it could", async () => {
  for (const [fields, code] of [
    [{ allowedIps: ["192.0.2.0/24"] }, "ADDRESS_NOT_ALLOWED"],
    [{ scopes: [] }, "SCOPE_MISSING"],
  ] as const) {
    const { key, apiKey } = await issued(deps, "usr_ann");
    const codes = await underLoad(key, ({ change }) =>
      changeApiKey({ ...deps, change, clock }, tester, apiKey.prefix, (now) => ({ ...now, ...fields })),
    );
    assert.deepEqual(codes, new Set([code]));
  }
});
