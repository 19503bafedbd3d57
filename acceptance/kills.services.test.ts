import { test } from "node:test";
import { killAgainAndAgain, killedEnv } from "./kills.ts";
import { readBooks } from "./ledger.ts";
import { startTollgate } from "./server.ts";
import { newStores, withoutStores } from "./stores.ts";
import { startUpstreamApart } from "./upstream.apart.ts";

test("after five kills -9 under load every charge of the upstream is on the ledger, none too low, none twice", {
  skip: withoutStores(),
}, async (t) => {
  await using stores = await newStores();
  await using upstream = await startUpstreamApart();
  const env = { ...stores.env, ...upstream.env, ...killedEnv };
  await killAgainAndAgain(t, {
    cycles: 5,
    upstream,
    start: () => startTollgate({ env }),
    readBooks: () => readBooks(stores.db),
  });
});
