import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { sql } from "kysely";
import { type TestApp, testApp } from "../../app.testing.ts";
import { newKey } from "../../identity/key.ts";
import { seededChance } from "../../lib/ids.ts";
import { type SimulatedServer, startSimulatedServer } from "../../providers/simulated.server.ts";
import type { ProviderJson } from "../provider-json.ts";
import { type Caller, type Json, newCaller } from "./access.testing.ts";

const apiKey = "sk-proj-0123456789-never-to-be-seen-again-wXyZ";
let app: TestApp;
let boss: Caller;
let upstream: SimulatedServer;
let key: string;

before(async () => {
  upstream = await startSimulatedServer();
  app = await testApp({
    KEY_RATE_LIMIT_PER_MINUTE: "",
    OUTBOUND_ALLOW_CIDRS: "127.0.0.0/8",
    OPENAI_API_KEY: "sk-of-the-operator",
    OPENAI_BASE_URL: "http://127.0.0.1:9/v1",
  });
  boss = await newCaller(app, "usr_boss", "admin");
  key = await app.key();
});
after(async () => {
  await app.close();
  await upstream.close();
});
afterEach(() => boss("DELETE", "/admin/providers/mine"));

const put = (fields: Json = {}) =>
  boss("PUT", "/admin/providers/mine", { base_url: upstream.baseUrl, api_key: apiKey, ...fields });
const list = async () => (await boss("GET", "/admin/providers")).json.items as ProviderJson[];

async function ask(model: string): Promise<{ status: number; by: string | null; code: unknown }> {
  const response = await app.chat(key, { model });
  const { error } = (await response.json()) as { error?: Json };
  return { status: response.status, by: response.headers.get("x-tollgate-provider"), code: error?.code };
}

test("a provider that an administrator sets is asked at once, and is not when it is removed", async () => {
  const { status, json } = await put({ models: ["sim-echo", "sim-echo"] });
  const mine = {
    name: "mine",
    source: "stored",
    dialect: "openai",
    base_url: upstream.baseUrl,
    models: ["sim-echo"],
    reports_stream_usage: true,
    speaks_responses: false,
    has_credential: true,
    credential_hint: "wXyZ",
    fault: null,
    updated_at: json.updated_at,
    updated_by: "usr_boss",
  };
  assert.deepEqual([status, json], [200, mine]);
  assert.deepEqual(
    (await list()).map(({ name, source, credential_hint }) => [name, source, credential_hint]),
    [
      ["openai", "settings", "ator"],
      ["mine", "stored", "wXyZ"],
    ],
  );
  for (const model of ["mine/sim-echo", "sim-echo"]) {
    assert.deepEqual(await ask(model), { status: 200, by: "mine", code: undefined });
  }
  const isListed = async () =>
    ((await boss("GET", "/v1/models")).json.data as Json[]).some(({ id }) => id === "mine/sim-echo");
  assert.equal(await isListed(), true);
  assert.ok(
    ((await boss("GET", "/admin/breakers")).json.items as Json[]).some(({ provider }) => provider === "mine"),
  );

  assert.equal((await boss("DELETE", "/admin/providers/mine")).status, 204);
  assert.equal(await isListed(), false);
  assert.equal((await boss("DELETE", "/admin/providers/mine")).status, 404);
  assert.deepEqual(await ask("mine/sim-echo"), { status: 404, by: null, code: "MODEL_NOT_FOUND" });
  await put();
  assert.deepEqual(await ask("mine/sim-echo"), { status: 200, by: "mine", code: undefined });
});

test("a provider that speaks responses is asked for them as they are", async () => {
  const created = async () =>
    (await app.fetch("/v1/responses", { method: "POST", key, json: { model: "mine/sim-echo", input: "hi" } }))
      .status;
  assert.deepEqual([(await put()).json.speaks_responses, await created()], [false, 200]);
  assert.deepEqual(
    [(await put({ speaks_responses: true })).json.speaks_responses, await created()],
    [true, 200],
  );
  assert.deepEqual(
    (await list()).map(({ speaks_responses }) => speaks_responses),
    [true, true],
  );
});

test("a provider's 401 is never the caller's", async () => {
  await put();
  const { status, code } = await ask("mine/sim-401");
  assert.deepEqual([status, code], [502, "PROVIDER_FAILED"]);
});

test("a provider is tried without a call, and nothing of the credential is told", async () => {
  await put();
  const tried = await boss("POST", "/admin/providers/mine/test");
  const { latency_ms, ...rest } = tried.json;
  assert.ok(Number.isInteger(latency_ms));
  assert.deepEqual(rest, { reachable: true, status: 200, detail: "It answers with its list of models." });
  const operators = await boss("POST", "/admin/providers/openai/test");
  assert.deepEqual([operators.status, operators.json.reachable], [200, false]);
  assert.equal((await boss("POST", "/admin/providers/none/test")).status, 404);
});

test("what the configuration says is changed there", async () => {
  for (const name of ["openai", "simulated"]) {
    const refused = await boss("PUT", `/admin/providers/${name}`, { base_url: upstream.baseUrl });
    assert.deepEqual([refused.status, refused.json.code], [409, "CONFLICT"]);
  }
  assert.equal((await boss("DELETE", "/admin/providers/openai")).status, 409);
});

test("a wrong field is told at its name, and a credential is not repeated", async () => {
  for (const [fields, path] of [
    [{ base_url: "http://10.0.0.1/v1" }, "base_url"],
    [{ base_url: "https://example.com/v1?x=1" }, "base_url"],
    [{ base_url: undefined }, "base_url"],
    [{ api_key: `${apiKey}\r\nx-evil: 1` }, "api_key"],
    [{ api_key: "" }, "api_key"],
    [{ dialect: "google" }, "dialect"],
    [{ models: [""] }, "models[0]"],
    [{ timeout: 1 }, "timeout"],
  ] as const) {
    const refused = await put(fields);
    assert.deepEqual([refused.status, refused.json.code], [400, "VALIDATION_FAILED"]);
    assert.equal((refused.json.details as Json[])[0]?.path, path);
    assert.ok(!refused.text.includes(apiKey));
  }
  for (const name of ["Mine", "-mine", "m_1"]) {
    assert.equal((await boss("PUT", `/admin/providers/${name}`, { base_url: upstream.baseUrl })).status, 400);
  }
});

test("a credential is in no table, no answer and no line of the log", async () => {
  const answers = [await put(), await put({ models: ["m"] }), await boss("GET", "/admin/providers")];
  answers.push(await boss("POST", "/admin/providers/mine/test"), await boss("GET", "/admin/audit"));
  await ask("mine/sim-echo");
  await ask("mine/sim-401");
  const text = answers.map((answer) => answer.text).join("\n") + JSON.stringify(app.logs());
  const dump = await dumped(app);
  assert.match(dump, /provider\.set/);
  const bytes = Buffer.from(apiKey);
  for (const form of [apiKey, bytes.toString("hex"), bytes.toString("base64"), apiKey.slice(8, -4)]) {
    assert.ok(!text.includes(form) && !dump.includes(form));
  }
});

test("without any other provider the simulated one answers until one is set, and again when it is removed", async () => {
  await using bare = await testApp({ OUTBOUND_ALLOW_CIDRS: "127.0.0.0/8" });
  const admin = await newCaller(bare, "usr_boss", "admin");
  const bareKey = await bare.key();
  const by = async () => (await bare.chat(bareKey)).headers.get("x-tollgate-provider");
  const sources = async () =>
    ((await admin("GET", "/admin/providers")).json.items as ProviderJson[]).map(({ source }) => source);
  assert.deepEqual([await by(), await sources()], ["simulated", ["built-in"]]);
  await admin("PUT", "/admin/providers/mine", { base_url: upstream.baseUrl });
  assert.deepEqual([await by(), await sources()], ["mine", ["stored"]]);
  await admin("DELETE", "/admin/providers/mine");
  assert.deepEqual([await by(), await sources()], ["simulated", ["built-in"]]);
});

test("the command line changes what the running server asks", async () => {
  const token = newKey("it", seededChance(1));
  let seen: readonly string[] = [];
  await using served = await testApp(
    {},
    {},
    {
      operatorToken: token,
      async run({ providers }) {
        seen = (await providers.readProviders()).map(({ name }) => name);
        return {};
      },
    },
  );
  await served.fetch("/operator/commands/providers-list", { method: "POST", key: token, json: {} });
  assert.deepEqual(seen, ["simulated"]);
});

/** Every row of every table, as PostgreSQL writes it. */
async function dumped({ store: { db } }: TestApp): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'`.execute(
    db,
  );
  assert.ok(rows.length > 10);
  const texts = rows.map(async ({ name }) => {
    const all = await sql<{ row: string }>`select t::text as row from ${sql.raw(name)} t`.execute(db);
    return all.rows.map(({ row }) => row).join("\n");
  });
  return (await Promise.all(texts)).join("\n");
}
