import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { derivedKey, type Purpose } from "../lib/secrets.ts";
import { testStore } from "../store/testing.ts";
import { createAccount } from "./accounts.ts";
import { identifier } from "./identify.ts";
import { refreshTokens } from "./refresh-token.ts";
import { listSessions, revokeSessions } from "./sessions.ts";
import { openSession, refresh, type SignedIn, signedIn } from "./sign-in.ts";
import { identityDeps, tester } from "./testing.ts";

const store = await testStore();
after(() => store.close());
let seed = 0;

async function signedInPerson() {
  seed += 1;
  const deps = identityDeps(store.db, seed);
  const wanted = { email: `p${seed}@example.com`, name: "P", role: "developer", passwordHash: null } as const;
  const { id: userId } = await createAccount(deps, tester, { ...wanted, isEmailVerified: false });
  const source = { address: "198.51.100.7", userAgent: "test" };
  const opened = await deps.change(tester, (tx, note) =>
    openSession(tx, note, deps, { userId, method: "password", source }),
  );
  const noTokens = { userIds: [], userOf: () => undefined, appOf: () => undefined };
  const { identify } = identifier({ ...deps, tokens: noTokens, onCache: () => {} });
  return {
    deps,
    userId,
    identify,
    first: (await signedIn(deps, opened))!,
    trade: (token: string) => refresh(deps, tester, token),
    live: async () => (await listSessions(deps, userId, { after: undefined, limit: 10 })).length,
  };
}

function tokenOf(answer: SignedIn | undefined): string {
  assert.ok(answer !== undefined, "the refresh token was refused");
  return answer.refreshToken;
}

test("a chain of refreshes gives a new token each time, all of one session", async () => {
  const { deps, identify, first, trade, live } = await signedInPerson();
  let token = first.refreshToken;
  const seen = new Set([token]);
  for (let round = 0; round < 5; round++) {
    deps.clock.advance(60_000);
    const answer = await trade(token);
    token = tokenOf(answer);
    seen.add(token);
    assert.equal((await identify(answer!.accessToken)).userId, first.account.id);
  }
  assert.equal(seen.size, 6);
  assert.equal(await live(), 1);
});

test("a storm of refreshes with one token gives everybody the same successor", async () => {
  const { first, trade, live } = await signedInPerson();
  const answers = await Promise.all(Array.from({ length: 20 }, () => trade(first.refreshToken)));
  assert.equal(new Set(answers.map(tokenOf)).size, 1);
  assert.equal(await live(), 1);
});

test("a repeat within the grace gets the same successor while that is unused", async () => {
  const { deps, first, trade } = await signedInPerson();
  const successor = tokenOf(await trade(first.refreshToken));
  deps.clock.advance(10_000);
  assert.equal(tokenOf(await trade(first.refreshToken)), successor);
});

test("a used token that comes back after the grace ends the session and all its tokens", async () => {
  const { deps, identify, first, trade, live } = await signedInPerson();
  const successor = tokenOf(await trade(first.refreshToken));
  deps.clock.advance(10_001);
  assert.equal(await trade(first.refreshToken), undefined);
  assert.equal(await live(), 0);
  assert.equal(await trade(successor), undefined);
  await assert.rejects(identify(first.accessToken), { code: "AUTH_INVALID" });
});

test("a used token that comes back within the grace after its successor was used ends the session", async () => {
  const { first, trade, live } = await signedInPerson();
  const second = tokenOf(await trade(first.refreshToken));
  tokenOf(await trade(second));
  assert.equal(await trade(first.refreshToken), undefined);
  assert.equal(await live(), 0);
});

test("a reuse is in the audit log, and ends nobody else's session", async () => {
  const victim = await signedInPerson();
  const other = await signedInPerson();
  tokenOf(await victim.trade(victim.first.refreshToken));
  victim.deps.clock.advance(10_001);
  await victim.trade(victim.first.refreshToken);
  const { entry } = await store.db
    .selectFrom("audit_entries")
    .select("entry")
    .orderBy("seq", "desc")
    .executeTakeFirstOrThrow();
  assert.equal((JSON.parse(entry) as { action: string }).action, "session.reuse_detected");
  assert.equal(await other.live(), 1);
});

test("an ended session's refresh token is refused", async () => {
  const { deps, userId, first, trade } = await signedInPerson();
  await revokeSessions(deps, tester, userId, "all");
  assert.equal(await trade(first.refreshToken), undefined);
});

test("a user who was shut out cannot refresh", async () => {
  const { first, trade, userId } = await signedInPerson();
  await store.db.updateTable("users").set({ active: false }).where("id", "=", userId).execute();
  assert.equal(await trade(first.refreshToken), undefined);
});

test("a session ends after 30 days without use, and after 90 whatever its use", async () => {
  const day = 86_400_000;
  const idle = await signedInPerson();
  idle.deps.clock.advance(30 * day);
  assert.equal(await idle.trade(idle.first.refreshToken), undefined);
  const busy = await signedInPerson();
  let token = busy.first.refreshToken;
  for (let days = 0; days < 80; days += 20) {
    busy.deps.clock.advance(20 * day);
    token = tokenOf(await busy.trade(token));
  }
  busy.deps.clock.advance(10 * day);
  assert.equal(await busy.trade(token), undefined);
});

test("no refresh token is in the database", async () => {
  const { first } = await signedInPerson();
  const rows = await store.db.selectFrom("refresh_tokens").selectAll().execute();
  const dump = rows.map(({ digest }) => Buffer.from(digest).toString("latin1")).join("\n");
  assert.ok(!dump.includes(first.refreshToken.slice(20)));
});

test("nothing but a refresh token refreshes", async () => {
  const { deps, first, trade } = await signedInPerson();
  const others = [
    "",
    "x",
    first.accessToken,
    first.refreshToken.replace("rt-", "sk-"),
    deps.refreshTokens.mint(),
  ];
  for (const other of others) assert.equal(await trade(other), undefined, other);
});

test("in any order of uses, repeats and pauses, one token at most is good, or the session has ended", async () => {
  const use = fc.record({ which: fc.nat(5), pauseMs: fc.constantFrom(0, 5_000, 11_000) });
  await fc.assert(
    fc.asyncProperty(fc.array(use, { maxLength: 8 }), async (uses) => {
      const { deps, first, trade, live } = await signedInPerson();
      const tokens = [first.refreshToken];
      for (const { which, pauseMs } of uses) {
        deps.clock.advance(pauseMs);
        const index = which % tokens.length;
        const isNewest = index === tokens.length - 1;
        const wasLive = (await live()) === 1;
        const answer = await trade(tokens[index]!);
        if (!wasLive) assert.equal(answer, undefined);
        else if (isNewest) tokens.push(tokenOf(answer));
        else if (answer !== undefined)
          assert.deepEqual([index, answer.refreshToken], [tokens.length - 2, tokens.at(-1)]);
        else assert.equal(await live(), 0);
      }
    }),
    { numRuns: 25 },
  );
});

test("a repeated refresh gets the same successor, also when the secret key was changed in between", async () => {
  const { deps, first, trade } = await signedInPerson();
  const successor = tokenOf(await trade(first.refreshToken));
  const oldKey = Buffer.alloc(32, 0x0f);
  const keysFor = (purpose: Purpose) =>
    [Buffer.alloc(32, 0xee), oldKey].map((secret) => derivedKey(secret, purpose));
  const renewed = refreshTokens({
    digestKeys: keysFor("refresh-digest"),
    nextKeys: keysFor("refresh-next"),
    chance: deps.chance,
  });
  const again = await refresh({ ...deps, refreshTokens: renewed }, tester, first.refreshToken);
  assert.equal(tokenOf(again), successor);
  const next = await refresh({ ...deps, refreshTokens: renewed }, tester, successor);
  assert.ok(tokenOf(next));
});
