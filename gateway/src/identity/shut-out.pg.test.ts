import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { deleteProject } from "../access/change-project.ts";
import { projectOf } from "../access/testing.ts";
import { projectParts } from "../calls/project-parts.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Db } from "../store/tables.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { erasePersonal } from "../telemetry/audit.personal.ts";
import type { Cause } from "../telemetry/change.ts";
import { signInWithAccount } from "./account-sign-in.ts";
import { createAccount } from "./accounts.ts";
import { issueApiKey } from "./api-keys.ts";
import { changeAccount, eraseUser } from "./change-account.ts";
import { rotateApiKey } from "./change-key.ts";
import { recordSessionUse, revokeSessions } from "./sessions.ts";
import { openSession } from "./sign-in.ts";
import { identityDeps, issued, tester } from "./testing.ts";
import { recordLastUse } from "./verify-key.ts";

const postgres = { skip: missing("postgres") };
const source = { address: "198.51.100.7", userAgent: undefined };
let people = 0;

/** Somebody who is signed in, and everything that may happen to them. */
async function newPerson(db: Db) {
  people += 1;
  const email = `person${people}@example.com`;
  const deps = { ...identityDeps(db, people), erasePersonal, isRegistrationOpen: true };
  const wanted = { email, name: "P", role: "developer", passwordHash: null, isEmailVerified: false } as const;
  const { id: userId } = await createAccount(deps, tester, wanted);
  const signIn = () =>
    deps.change(tester, async (tx, note) => {
      const user = tx.selectFrom("users").select("active").where("id", "=", userId).forNoKeyUpdate();
      if ((await user.executeTakeFirstOrThrow()).active !== true) throw new TollgateError("AUTH_INVALID");
      return openSession(tx, note, deps, { userId, method: "password", source });
    });
  const { sessionId } = await signIn();
  const bySession: Cause = { actor: { type: "user", id: userId, sessionId } };
  const identified = {
    issuer: "https://issuer.test",
    subject: email,
    email,
    name: "P",
    isAuthoritative: true,
  };
  return {
    userId,
    sessionId,
    deps,
    signIn,
    issue: (projectId: number | null = null) =>
      issueApiKey(deps, bySession, { userId, name: "test", scopes: [], projectId }),
    rotate: (prefix: string) => rotateApiKey(deps, bySession, prefix, { graceSeconds: 60 }),
    link: () => signInWithAccount(deps, tester, identified, source),
    erase: () => eraseUser(deps, tester, userId),
    logOut: () => revokeSessions(deps, bySession, userId, { only: sessionId }),
    setRole: (role: "admin" | "developer") => changeAccount(deps, tester, userId, { role }),
    shutOut: () => changeAccount(deps, tester, userId, { active: false }),
  };
}

/** What was refused in so many words; anything else fails the test. */
async function orRefused<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof TollgateError && error.code !== "INTERNAL") return undefined;
    throw error;
  }
}

async function liveKeys(db: Db, userId: string): Promise<number> {
  const rows = await db
    .selectFrom("api_keys")
    .select("id")
    .where("user_id", "=", userId)
    .where("revoked_at", "is", null)
    .execute();
  return rows.length;
}

test("whoever makes keys while an account is taken from them keeps none", postgres, async () => {
  await using store = await testPostgres();
  for (let round = 0; round < 12; round++) {
    const { userId, issue, rotate, link, erase } = await newPerson(store.db);
    const takeAway = round % 2 === 0 ? link : erase;
    let isOver = false;
    const squat = async () => {
      while (!isOver) {
        const made = await orRefused(issue());
        if (made === undefined || (await orRefused(rotate(made.apiKey.prefix))) === undefined) return;
      }
    };
    const squatting = [squat(), squat(), squat()];
    await issue().catch(() => {});
    await takeAway();
    isOver = true;
    await Promise.all(squatting);
    assert.equal(await liveKeys(store.db, userId), 0, `round ${round}`);
  }
});

test("no key of a deleted project lives on, made or rotated while it was deleted", postgres, async () => {
  await using store = await testPostgres();
  for (let round = 0; round < 12; round++) {
    const { userId, deps, issue, rotate } = await newPerson(store.db);
    const id = await projectOf(store.db, userId);
    const { apiKey } = await issue(id);
    const by = { caller: { userId, role: "developer" }, cause: tester } as const;
    await Promise.all([
      orRefused(issue(id)),
      orRefused(rotate(apiKey.prefix)),
      deleteProject({ ...deps, ...projectParts(deps) }, by, id),
      orRefused(issue(id)),
    ]);
    assert.equal(await liveKeys(store.db, userId), 0, `round ${round}`);
  }
});

test("of a thousand keys and one, asked for at once, the one is refused", postgres, async () => {
  await using store = await testPostgres();
  const { userId, issue } = await newPerson(store.db);
  await sql`
    insert into api_keys (user_id, prefix, digest, name, created_by, created_at)
    select ${userId}, lpad(i::text, 12, '0'), decode(md5(i::text), 'hex'), 'k', 'x', now()
    from generate_series(1, 997) as i`.execute(store.db);
  const made = await Promise.all(Array.from({ length: 8 }, () => orRefused(issue())));
  assert.equal(made.filter((each) => each !== undefined).length, 3);
});

test(
  "notes of last use and changes of many sessions and keys do not stand in each other's way",
  postgres,
  async () => {
    await using store = await testPostgres();
    const { db } = store;
    const now = Date.now();
    for (let round = 0; round < 6; round++) {
      const { userId, shutOut, erase } = await newPerson(db);
      await sql`
      insert into sessions (id, user_id, method, address, address_bucket, created_at, last_seen_at, idle_expires_at, absolute_expires_at)
      select gen_random_uuid(), ${userId}, 'password', 'x', 'x', now(), now(), now() + interval '1 day', 'infinity'
      from generate_series(1, 1500)`.execute(db);
      await sql`
      insert into api_keys (user_id, prefix, digest, name, created_by, created_at)
      select ${userId}, ${`${round}_`} || i, decode(md5(${`${round}`} || i), 'hex'), 'k', 'x', now()
      from generate_series(1, 1500) as i`.execute(db);
      const sessions = await db.selectFrom("sessions").select("id").where("user_id", "=", userId).execute();
      const keys = await db.selectFrom("api_keys").select("id").where("user_id", "=", userId).execute();
      const noteUse = () => [
        recordSessionUse(db, new Map(sessions.toReversed().map(({ id }) => [id, now]))),
        recordLastUse(db, new Map(keys.toReversed().map(({ id }) => [id, now]))),
      ];
      await Promise.all([...noteUse(), round % 2 === 0 ? shutOut() : erase(), ...noteUse()]);
    }
  },
);

test("whatever happens to people at the same time, each thing happens or is refused", postgres, async () => {
  await using store = await testPostgres();
  const { db } = store;
  await newPerson(db).then(({ setRole }) => setRole("admin"));
  for (let round = 0; round < 15; round++) {
    const [ann, bob] = await Promise.all([newPerson(db), newPerson(db)]);
    const keys = [await issued(ann.deps, ann.userId), await issued(bob.deps, bob.userId)];
    await Promise.all([ann.setRole("admin"), bob.setRole("admin")]);
    const flush = () =>
      Promise.all([
        recordLastUse(db, new Map(keys.map(({ apiKey }) => [apiKey.id, round]))),
        recordSessionUse(db, new Map([ann, bob].map(({ sessionId }) => [sessionId, round]))),
      ]);
    const happenings = [ann, bob].flatMap((person, index) => [
      () => person.setRole("developer"),
      person.logOut,
      person.signIn,
      person.link,
      () => person.rotate(keys[index]!.apiKey.prefix),
      person.issue,
      () => person.setRole("admin"),
      flush,
      ...(round % 3 === index ? [person.erase] : []),
    ]);
    await Promise.all(happenings.map((happen) => orRefused<unknown>(happen())));
  }
});
