import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testStore } from "../store/testing.ts";
import { rotateApiKey } from "./change-key.ts";
import { revokeApiKey } from "./revoke-keys.ts";
import { standInFor } from "./stand-in.ts";
import { identityDeps, issued, tester, userNamed } from "./testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = identityDeps(db, 3);
const gone = (message: RegExp) => ({ name: "TollgateError", code: "FORBIDDEN", message });

test("a user is stood in for as they are now, and not once they are shut out", async () => {
  const userId = await userNamed(db, "usr_now");
  const { role, key, credential } = await standInFor(deps, { userId, keyId: undefined });
  assert.deepEqual([role, key, credential.kind], ["developer", undefined, "static"]);
  await db.updateTable("users").set({ role: "viewer" }).where("id", "=", userId).execute();
  assert.equal((await standInFor(deps, { userId, keyId: undefined })).role, "viewer");
  await db.updateTable("users").set({ active: false }).where("id", "=", userId).execute();
  await assert.rejects(standInFor(deps, { userId, keyId: undefined }), gone(/not active any more/));
  await assert.rejects(
    standInFor(deps, { userId: "usr_never", keyId: undefined }),
    gone(/not active any more/),
  );
});

test("a key is stood in for by its successor, and by nobody once it is revoked or has ended", async () => {
  const userId = await userNamed(db, "usr_key");
  const { apiKey } = await issued(deps, userId, { scopes: ["jobs:write"] });
  const { id: keyId, prefix } = apiKey;
  const { key, credential } = await standInFor(deps, { userId, keyId });
  assert.deepEqual([key!.keyId, key!.scopes, credential.kind], [keyId, ["jobs:write"], "key"]);
  const { apiKey: next } = await rotateApiKey(deps, tester, prefix, { graceSeconds: 0 });
  deps.clock.advance(1);
  assert.equal((await standInFor(deps, { userId, keyId })).key!.keyId, next.id);
  await revokeApiKey(deps, tester, next.prefix);
  await assert.rejects(standInFor(deps, { userId, keyId }), gone(/revoked or has ended/));
});

test("who came with an app's key keeps its limits, and loses it with the app", async () => {
  const userId = await userNamed(db, "usr_guest");
  const app = await userNamed(db, "usr_app");
  const keyId = (await issued(deps, app, { scopes: ["jobs:write"] })).apiKey.id;
  const principal = await standInFor(deps, { userId, keyId });
  assert.deepEqual([principal.userId, principal.key!.ownerId], [userId, app]);
  await db.updateTable("users").set({ active: false }).where("id", "=", app).execute();
  await assert.rejects(standInFor(deps, { userId, keyId }), gone(/revoked or has ended/));
});
