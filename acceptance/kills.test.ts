import { test } from "node:test";
import { killAgainAndAgain, killedEnv } from "./kills.ts";
import { readEmbeddedBooks } from "./ledger.ts";
import { newHome, startTollgate } from "./server.ts";
import { startUpstreamApart } from "./upstream.apart.ts";

test("after three kills -9 under load the embedded ledger has every charge of the upstream, none too low", async (t) => {
  await using home = await newHome();
  await using upstream = await startUpstreamApart();
  const env = { ...upstream.env, ...killedEnv };
  await killAgainAndAgain(t, {
    cycles: 3,
    upstream,
    start: () => startTollgate({ home, env }),
    readBooks: () => readEmbeddedBooks(home),
  });
});
