import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { readSettings } from "../config/environment.ts";
import { readConfigFile } from "../config/file.ts";
import { providerRules } from "../config/providers.ts";
import { identityDeps, tester } from "../identity/testing.ts";
import { testStore } from "../store/testing.ts";
import { removeProvider, setProvider, type WantedProvider } from "./change-provider.ts";
import { type KnownProvider, knownProviders, type Providers } from "./known.ts";
import { rewrapCredentials } from "./rewrap-credentials.ts";
import { loadProviders } from "./stored.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const identity = identityDeps(db, 1);
const [first, second] = [1, 2].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer];

/** What a process knows that was started with these keys and settings. */
function started(keys: readonly Uint8Array[], variables: Record<string, string> = {}) {
  const file = readConfigFile(undefined);
  const alias = { targets: [{ model: "aliased/m", order: 0, weight: 1, timeoutMs: undefined }], retries: 0 };
  const rules = providerRules(readSettings(variables), { ...file, aliases: { fast: alias } }, keys);
  const readProviders = async () => knownProviders(rules, await loadProviders(db));
  const providers: Providers = { ...rules, readProviders };
  const deps = { ...identity, providers };
  return {
    deps,
    known: readProviders,
    of: async (name: string) => (await readProviders()).find((each) => each.name === name),
    set: (name: string, wanted: Partial<WantedProvider>) =>
      setProvider(deps, tester, name, { ...openAi, ...wanted }),
    remove: (name: string) => removeProvider(deps, tester, name),
  };
}

const openAi = {
  dialect: "openai",
  baseUrl: "https://api.example.com/v1",
  apiKey: undefined,
  models: [],
  reportsStreamUsage: true,
  speaksResponses: undefined,
} as const;
const here = started([first]);

beforeEach(() => db.deleteFrom("providers").execute());

const keyOf = (known: KnownProvider | undefined) => known?.upstream?.apiKey;

async function lastAudit(): Promise<Record<string, unknown>> {
  const { entry } = await db
    .selectFrom("audit_entries")
    .select("entry")
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirstOrThrow();
  return JSON.parse(entry) as Record<string, unknown>;
}

test("without any provider the built-in one is known, and with one it is not", async () => {
  const sources = async () => (await here.known()).map(({ name, source }) => [name, source]);
  assert.deepEqual(await sources(), [["simulated", "built-in"]]);
  await here.set("mine", {});
  assert.deepEqual(await sources(), [["mine", "stored"]]);
  await here.remove("mine");
  assert.deepEqual(await sources(), [["simulated", "built-in"]]);
});

test("a credential stays at its server until it is replaced or taken away", async () => {
  assert.equal(keyOf(await here.set("mine", { apiKey: "sk-one" })), "sk-one");
  assert.equal(
    keyOf(await here.set("mine", { baseUrl: "https://api.example.com/v2/", models: ["m"] })),
    "sk-one",
  );
  assert.deepEqual((await here.of("mine"))?.upstream?.baseUrl, "https://api.example.com/v2");
  for (const baseUrl of ["https://evil.example/v1", "https://api.example.com:8443/v1"]) {
    await assert.rejects(here.set("mine", { baseUrl }), (error: { code: string; details: unknown }) => {
      assert.equal(error.code, "VALIDATION_FAILED");
      assert.match(JSON.stringify(error.details), /"path":"api_key".*sent again/);
      return true;
    });
  }
  assert.equal(
    keyOf(await here.set("mine", { apiKey: "sk-two", baseUrl: "https://b.example/v1" })),
    "sk-two",
  );
  const without = await here.set("mine", { apiKey: null });
  assert.deepEqual([keyOf(without), without.hasCredential], [undefined, false]);
});

test("every change is noted, with nothing of the credential but that there is one", async () => {
  await here.set("mine", { apiKey: "sk-secret-1" });
  assert.deepEqual(
    [(await lastAudit()).action, (await lastAudit()).changes],
    [
      "provider.set",
      {
        dialect: [null, "openai"],
        base_url: [null, "https://api.example.com/v1"],
        models: [null, []],
        reports_stream_usage: [null, true],
        credential: [null, "set"],
      },
    ],
  );
  await here.set("mine", { apiKey: "sk-secret-2" });
  assert.deepEqual((await lastAudit()).changes, { credential: ["set", "replaced"] });
  const { id } = await lastAudit();
  await here.set("mine", {});
  assert.equal((await lastAudit()).id, id);
  await here.remove("mine");
  assert.equal((await lastAudit()).action, "provider.remove");
  const all = await db.selectFrom("audit_entries").select("entry").execute();
  assert.ok(!JSON.stringify(all).includes("sk-secret"));
});

test("what the configuration says is not changed here, and what it names is not removed", async () => {
  const other = started([first], { OPENAI_API_KEY: "sk-operator", DEFAULT_PROVIDER: "mine" });
  for (const name of ["openai", "simulated"]) {
    await assert.rejects(other.set(name, {}), { code: "CONFLICT" });
  }
  await assert.rejects(other.remove("openai"), { code: "CONFLICT" });
  await assert.rejects(other.remove("none"), { code: "NOT_FOUND" });
  await other.set("mine", {});
  await other.set("aliased", {});
  await assert.rejects(other.remove("mine"), { code: "CONFLICT", message: /DEFAULT_PROVIDER/ });
  await assert.rejects(other.remove("aliased"), { code: "CONFLICT", message: /alias fast/ });
  await started([first]).remove("mine");
});

test("names that the ledger gives a meaning of its own are no provider's, wherever one is defined", async () => {
  const row = { base_url: "https://api.example.com/v1", dialect: "openai" as const, models: [] };
  for (const name of ["simulated", "cache"]) {
    const said = new RegExp(`No provider can be called ${name}: `);
    await assert.rejects(here.set(name, {}), { code: "CONFLICT", message: said });
    const file = readConfigFile(undefined);
    const providers = { [name]: { ...row, reports_stream_usage: true, output_limit: "max_tokens" as const } };
    assert.throws(() => providerRules(readSettings({}), { ...file, providers }, []), said);
  }
});

test("a stored provider that the configuration says too is not asked, and can be removed", async () => {
  await here.set("openai", { apiKey: "sk-stored" });
  const other = started([first], { OPENAI_API_KEY: "sk-operator" });
  const all = await other.known();
  assert.deepEqual(
    all.map((known) => [known.source, keyOf(known), known.fault === undefined]),
    [
      ["settings", "sk-operator", true],
      ["stored", "sk-stored", false],
    ],
  );
  await other.remove("openai");
  assert.equal((await other.known()).length, 1);
});

test("an address inside is refused, unless the operator allows it, also later", async () => {
  const lax = started([first], { OUTBOUND_ALLOW_CIDRS: "10.0.0.0/8" });
  const inside = [
    "http://127.0.0.1:11434/v1",
    "https://169.254.169.254/v1",
    "https://[::1]/v1",
    "http://10.0.0.1/v1",
  ];
  for (const baseUrl of [
    ...inside,
    "https://u:p@example.com/v1",
    "https://example.com/v1?key=1",
    "ftp://example.com",
  ]) {
    await assert.rejects(here.set("mine", { baseUrl }), { code: "VALIDATION_FAILED" }, baseUrl);
  }
  assert.equal((await lax.set("mine", { baseUrl: "http://10.0.0.1/v1" })).fault, undefined);
  assert.match((await here.of("mine"))?.fault ?? "", /OUTBOUND_ALLOW_CIDRS/);
});

test("a credential that was moved to another row or beside another address does not open", async () => {
  await here.set("mine", { apiKey: "sk-one" });
  await here.set("theirs", { apiKey: "sk-two", baseUrl: "https://evil.example/v1" });
  await db
    .updateTable("providers")
    .set({ base_url: "https://evil.example/v1" })
    .where("name", "=", "mine")
    .execute();
  const { sealed_credential } = await db
    .selectFrom("providers")
    .select("sealed_credential")
    .where("name", "=", "mine")
    .executeTakeFirstOrThrow();
  await db.updateTable("providers").set({ sealed_credential }).where("name", "=", "theirs").execute();
  for (const name of ["mine", "theirs"]) {
    const known = await here.of(name);
    assert.deepEqual([keyOf(known), known?.hasCredential], [undefined, true]);
    assert.match(known?.fault ?? "", /Set it again/);
  }
});

test("a rotation of the key: both open, and what was sealed anew needs only the new one", async () => {
  await here.set("mine", { apiKey: "sk-one" });
  await here.set("open", {});
  const rotated = started([second, first]);
  assert.equal(keyOf(await rotated.of("mine")), "sk-one");
  assert.match((await started([second]).of("mine"))?.fault ?? "", /SECRET_KEY/);

  const lost = await rewrapCredentials(started([second]).deps, tester);
  assert.deepEqual(lost, { rewrapped: [], unreadable: ["mine"] });
  const done = await rewrapCredentials(rotated.deps, tester);
  assert.deepEqual(done, { rewrapped: ["mine"], unreadable: [] });
  assert.equal((await lastAudit()).action, "provider.rewrap");
  assert.deepEqual((await rewrapCredentials(rotated.deps, tester)).rewrapped, []);
  assert.equal(keyOf(await started([second]).of("mine")), "sk-one");
  assert.equal(keyOf(await here.of("mine")), undefined);
});
