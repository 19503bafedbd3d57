import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { verify } from "@node-rs/argon2";
import { testStore } from "../store/testing.ts";
import { findApiKey } from "./api-keys.ts";
import { normalisedEmail } from "./email.ts";
import { bootstrapAdministrator, offerSetup, setUp } from "./setup.ts";
import { identityDeps, issued, tester, userNamed } from "./testing.ts";

const store = await testStore();
after(() => store.close());
beforeEach(async () => {
  await store.db.deleteFrom("users").execute();
  await store.db.updateTable("auth_state").set({ setup_digest: null }).execute();
});

const wanted = { email: "Ann@Example.com", name: "Ann", password: "password123" };

test("of any number of concurrent set-ups exactly one makes the administrator", async () => {
  const deps = identityDeps(store.db, 1);
  const token = (await offerSetup(deps))!;
  const setUps = Array.from({ length: 6 }, (_, index) =>
    setUp(deps, tester, { ...wanted, token, email: `ann${index}@example.com` }),
  );
  const results = await Promise.allSettled(setUps);
  const made = results.filter((result) => result.status === "fulfilled");
  assert.equal(made.length, 1);
  for (const result of results) {
    if (result.status === "rejected") assert.equal(result.reason.code, "NOT_FOUND");
  }
  const admins = await store.db.selectFrom("users").selectAll().where("role", "=", "admin").execute();
  assert.deepEqual(
    admins.map(({ id, email }) => [id, email]),
    made.map(({ value }) => [value.id, value.email]),
  );
});

test("the administrator's password is kept as argon2id only", async () => {
  const deps = identityDeps(store.db, 2);
  const token = (await offerSetup(deps))!;
  const { id } = await setUp(deps, tester, { ...wanted, token });
  const row = await store.db.selectFrom("users").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
  assert.match(row.password_hash!, /^\$argon2id\$/);
  assert.ok(await verify(row.password_hash!, "password123"));
  assert.deepEqual([row.email, row.email_norm, row.active], ["Ann@Example.com", "ann@example.com", true]);
});

test("a wrong token leaves the offer, a used one is gone for ever", async () => {
  const deps = identityDeps(store.db, 3);
  await assert.rejects(setUp(deps, tester, { ...wanted, token: "early" }), { code: "NOT_FOUND" });
  const token = (await offerSetup(deps))!;
  for (const wrong of ["", "wrong", token.slice(1), `${token}x`]) {
    await assert.rejects(setUp(deps, tester, { ...wanted, token: wrong }), { code: "AUTH_INVALID" });
  }
  await setUp(deps, tester, { ...wanted, token });
  await assert.rejects(setUp(deps, tester, { ...wanted, token }), { code: "NOT_FOUND" });
  assert.equal(await offerSetup(deps), undefined);
});

test("set-up is offered once, by one of any number of instances, and its token is stored nowhere", async () => {
  const offers = await Promise.all([1, 2, 3, 4].map((seed) => offerSetup(identityDeps(store.db, seed))));
  const tokens = offers.filter((token) => token !== undefined);
  assert.equal(tokens.length, 1);
  const row = await store.db.selectFrom("auth_state").selectAll().executeTakeFirstOrThrow();
  assert.ok(!Buffer.from(row.setup_digest!).includes(tokens[0]!.slice(20)));
});

test("where there is an administrator, set-up is not offered", async () => {
  await userNamed(store.db, "usr_boss", "admin");
  assert.equal(await offerSetup(identityDeps(store.db, 5)), undefined);
});

test("an offer whose token was lost can be renewed, and only the newest token counts", async () => {
  const deps = identityDeps(store.db, 6);
  const lost = (await offerSetup(deps))!;
  const token = (await offerSetup(deps, { renew: true }))!;
  await assert.rejects(setUp(deps, tester, { ...wanted, token: lost }), { code: "AUTH_INVALID" });
  await setUp(deps, tester, { ...wanted, token });
  assert.equal(await offerSetup(deps, { renew: true }), undefined);
});

test("of any number of instances that start with the same settings one makes the administrator", async () => {
  const starts = await Promise.all(
    [1, 2, 3, 4].map((seed) => bootstrapAdministrator(identityDeps(store.db, seed + 60), tester, wanted)),
  );
  assert.equal(starts.filter((account) => account !== undefined).length, 1);
  const admins = await store.db.selectFrom("users").selectAll().where("role", "=", "admin").execute();
  assert.deepEqual(
    admins.map(({ email_norm }) => email_norm),
    ["ann@example.com"],
  );
});

test("an administrator who is there already is left alone by the settings", async () => {
  await userNamed(store.db, "usr_boss", "admin");
  assert.equal(await bootstrapAdministrator(identityDeps(store.db, 7), tester, wanted), undefined);
});

test("who took the administrator's address before loses every way in", async () => {
  const deps = identityDeps(store.db, 8);
  await userNamed(store.db, "usr_squatter");
  const taken = { email: "ann@example.com", email_norm: "ann@example.com", password_hash: "x" };
  await store.db.updateTable("users").set(taken).where("id", "=", "usr_squatter").execute();
  await issued(deps, "usr_squatter");
  const account = (await bootstrapAdministrator(deps, tester, wanted))!;
  assert.equal(account.role, "admin");
  const row = await store.db
    .selectFrom("users")
    .innerJoin("api_keys", "api_keys.user_id", "users.id")
    .select(["active", "email_norm", "password_hash", "revoked_at"])
    .where("users.id", "=", "usr_squatter")
    .executeTakeFirstOrThrow();
  assert.deepEqual([row.active, row.email_norm, row.password_hash], [false, null, null]);
  assert.notEqual(row.revoked_at, null);
});

test("two spellings of one address are one", () => {
  assert.equal(normalisedEmail("  Ann@EXAMPLE.com "), "ann@example.com");
  assert.equal(normalisedEmail("Jose\u0301@x.org"), "jos\u00e9@x.org");
});

test("who took the address of whoever sets the place up loses every way in", async () => {
  const deps = identityDeps(store.db, 9);
  await userNamed(store.db, "usr_squatter");
  const taken = { email: "ann@example.com", email_norm: "ann@example.com", password_hash: "x" };
  await store.db.updateTable("users").set(taken).where("id", "=", "usr_squatter").execute();
  const { apiKey } = await issued(deps, "usr_squatter");
  const token = (await offerSetup(deps))!;
  assert.equal((await setUp(deps, tester, { ...wanted, token })).role, "admin");
  assert.equal((await findApiKey(deps, apiKey.prefix))?.status, "revoked");
  const row = await store.db
    .selectFrom("users")
    .selectAll()
    .where("id", "=", "usr_squatter")
    .executeTakeFirst();
  assert.deepEqual([row?.active, row?.email_norm, row?.password_hash], [false, null, null]);
});
