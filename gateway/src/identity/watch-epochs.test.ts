import assert from "node:assert/strict";
import { test } from "node:test";
import { testStore } from "../store/testing.ts";
import { identifier } from "./identify.ts";
import { revokeApiKey } from "./revoke-keys.ts";
import { identityDeps, issued, tester, userNamed } from "./testing.ts";
import { readEpoch } from "./users.ts";
import { watchEpochs } from "./watch-epochs.ts";

test("an instance hears of a key that another one revoked, and tells the shared counters", async () => {
  await using store = await testStore();
  const deps = identityDeps(store.db, 1);
  await userNamed(store.db, "usr_ann");
  const { key, apiKey } = await issued(deps, "usr_ann");
  const identities = identifier({
    ...deps,
    tokens: { userIds: [], userOf: () => undefined, appOf: () => undefined },
    onCache: () => {},
  });
  await identities.identify(key);

  const heard = Promise.withResolvers<number>();
  const stop = await watchEpochs({
    store,
    clock: deps.clock,
    identifier: identities,
    raise: async (epoch) => heard.resolve(epoch),
    onTrouble: (error) => heard.reject(error),
  });
  await revokeApiKey(deps, tester, apiKey.prefix);
  assert.equal(await heard.promise, await readEpoch(store.db));
  await assert.rejects(identities.identify(key), { code: "AUTH_INVALID" });
  await stop();
});
