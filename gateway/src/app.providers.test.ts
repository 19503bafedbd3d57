import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { openProviders } from "./app.providers.ts";
import { readSettings } from "./config/environment.ts";
import { type ConfigFile, readConfigFile } from "./config/file.ts";
import { identityDeps, tester } from "./identity/testing.ts";
import { VirtualClock } from "./lib/clock.ts";
import { until } from "./lib/until.testing.ts";
import { removeProvider, setProvider } from "./providers/change-provider.ts";
import type { Providers } from "./providers/known.ts";
import type { Store } from "./store/store.ts";
import { testStore } from "./store/testing.ts";
import { jsonLog } from "./telemetry/log.ts";

const store = await testStore();
after(() => store.close());
const lines: string[] = [];
const clock = new VirtualClock();
const secretKey = Buffer.alloc(32, 1);
beforeEach(() => store.db.deleteFrom("providers").execute());

async function opened(
  variables: Record<string, string> = {},
  file: Partial<ConfigFile> = {},
  parts: { store?: Store; secretKeys?: readonly Uint8Array[] } = {},
) {
  const routing = await openProviders({
    settings: readSettings(variables),
    file: { ...readConfigFile(undefined), ...file },
    secretKeys: [secretKey],
    store,
    clock,
    log: jsonLog("info", clock, { write: (line) => lines.push(line) }),
    trouble: (what) => (error) => assert.ifError(new Error(what, { cause: error })),
    ...parts,
  });
  return {
    ...routing,
    names: () => [...routing.routes().providers.keys()],
    [Symbol.asyncDispose]: routing.close,
  };
}

const identity = identityDeps(store.db, 1);
const wanted = {
  dialect: "openai",
  baseUrl: "https://api.example.com/v1",
  apiKey: "sk-one",
  models: ["m"],
  reportsStreamUsage: true,
  speaksResponses: undefined,
} as const;
const set = (providers: Providers, name: string) =>
  setProvider({ ...identity, providers }, tester, name, wanted);

test("an instance asks a provider from the moment it is set, and others as soon as they hear of it", async () => {
  await using here = await opened();
  await using there = await opened();
  assert.deepEqual([here.names(), there.routes().fallback.simulated], [["simulated"], true]);
  await set(here.providers, "mine");
  assert.deepEqual([here.names(), here.routes().fallback.name], [["mine"], "mine"]);
  await until(() => there.names().join() === "mine");
  assert.equal(there.routes().fallback.simulated, false);
  await removeProvider({ ...identity, providers: there.providers }, tester, "mine");
  assert.deepEqual(there.names(), ["simulated"]);
  await until(() => here.names().join() === "simulated");
});

test("an instance that hears nothing has read it within two seconds", async () => {
  await using here = await opened();
  const deaf: Store = { ...store, kind: "postgres", listen: async () => async () => {} };
  await using there = await opened({}, {}, { store: deaf });
  await set(here.providers, "mine");
  assert.deepEqual(there.names(), ["simulated"]);
  clock.advance(2_000);
  await until(() => there.names().join() === "mine");
});

test("stored providers come after those of the configuration, and DEFAULT_PROVIDER may name one", async () => {
  await using first = await opened();
  await set(first.providers, "mine");
  await using plain = await opened({ OPENAI_API_KEY: "sk-operator" });
  assert.deepEqual([plain.names(), plain.routes().fallback.name], [["openai", "mine"], "openai"]);
  await using chosen = await opened({ OPENAI_API_KEY: "sk-operator", DEFAULT_PROVIDER: "mine" });
  assert.equal(chosen.routes().fallback.name, "mine");
});

test("an alias may lead to a stored provider; a configuration that names what there is not stops the start", async () => {
  const aliases = {
    fast: { targets: [{ model: "mine/m", order: 0, weight: 1, timeoutMs: undefined }], retries: 0 },
  };
  await assert.rejects(opened({}, { aliases }), /alias fast names mine\/m, whose provider is not configured/);
  await assert.rejects(opened({ DEFAULT_PROVIDER: "mine" }), /DEFAULT_PROVIDER=mine is not configured/);
  await using first = await opened();
  await set(first.providers, "mine");
  await using routing = await opened({ DEFAULT_PROVIDER: "mine" }, { aliases });
  assert.ok(routing.routes().aliases.has("fast"));
});

test("a credential that cannot be opened shuts its provider, not the process, and is told in the log", async () => {
  await using first = await opened();
  await set(first.providers, "mine");
  lines.length = 0;
  await using lost = await opened({}, {}, { secretKeys: [Buffer.alloc(32, 2)] });
  assert.deepEqual([lost.names(), lost.routes().fallback.simulated], [["mine"], false]);
  assert.match(lines.join(""), /"provider":"mine".*cannot be opened/);
});
