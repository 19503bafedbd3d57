import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Person, type TestApp, testApp } from "../app.testing.ts";

const settings = {
  ASSIST_API_KEYS: "shop-key,phone-key",
  ABUSE_MODE: "off",
  APP_AUTH_TOKEN_USER_MAP: "tokenA:usr_dev",
};
let app: TestApp;
let ann: Person;
before(async () => {
  app = await testApp({ ...settings, ASSIST_USER_RATE_LIMIT_PER_MINUTE: "" });
  ann = await app.person();
});
after(() => app.close());

type Chat = {
  readonly reply: string;
  readonly citationsMetadata: { readonly fromCache: boolean; readonly citations: readonly unknown[] };
  readonly correlationId: string;
};
type Refused = {
  readonly error: {
    readonly code: string;
    readonly limit?: string;
    readonly resetAt?: string;
    readonly reason?: string;
    readonly details?: readonly { readonly path: string }[];
  };
};

const lamp = { itemId: "123", title: "Test" };
type Asking = {
  readonly key?: string | undefined;
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly where?: TestApp;
  readonly path?: string;
};

/** As the app `shop-key` beside ann, who asks about a lamp; what a test is about is said. */
function ask(asking: Asking = {}): Promise<Response> {
  const { key = "shop-key", token = ann.token, where = app, headers, path = "chat" } = asking;
  const { body = { items: [lamp], message: "Hello" } } = asking;
  return where.fetch(`/v1/assist/${path}`, {
    method: "POST",
    json: body,
    headers: {
      ...(key === "" ? {} : { "x-api-key": key }),
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
  });
}

async function told(asking: Asking = {}): Promise<Chat> {
  const response = await ask(asking);
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Chat;
}

async function refused(asking: Asking): Promise<Refused["error"] & { readonly status: number }> {
  const response = await ask(asking);
  return { status: response.status, ...((await response.json()) as Refused).error };
}

const rows = (where = app) =>
  where.store.db
    .selectFrom("prompt_runs")
    .select(["user_id", "key_id", "operation", "endpoint_class", "provider", "cost_pico", "correlation_id"])
    .orderBy("id")
    .execute();

test("a question is answered with its correlation id, and is one call of the user's on the ledger", async () => {
  const headers = { "x-correlation-id": "assist-0001" };
  const { reply, citationsMetadata, correlationId } = await told({ headers });
  assert.equal(typeof reply, "string");
  assert.equal(citationsMetadata.fromCache, false);
  assert.equal(correlationId, "assist-0001");
  const [row] = (await rows()).filter((each) => each.correlation_id === "assist-0001");
  const { user_id, key_id, operation, endpoint_class, provider } = row!;
  assert.deepEqual(
    { user_id, key_id, operation, endpoint_class, provider },
    {
      user_id: ann.id,
      key_id: null,
      operation: "assist.chat",
      endpoint_class: "assist",
      provider: "simulated",
    },
  );
});

test("asked again it is answered from the cache, which costs nothing and is reported as such", async () => {
  const bob = await app.person();
  const first = await told({ token: bob.token });
  const again = await told({ token: bob.token });
  assert.deepEqual(
    [first.citationsMetadata.fromCache, again.citationsMetadata.fromCache, again.reply],
    [false, true, first.reply],
  );
  const own = (await rows()).filter(({ user_id }) => user_id === bob.id);
  assert.deepEqual(
    own.map(({ provider, operation }) => [provider, operation]),
    [
      ["simulated", "assist.chat"],
      ["cache", "assist.chat"],
    ],
  );
  assert.equal(own[1]!.cost_pico, "0");
  const daily = (await (await app.fetch("/health/costs/daily", { key: bob.token })).json()) as {
    totals: { calls: number };
  };
  assert.equal(daily.totals.calls, 2);
});

test("another user, and the same user in another app, is asked for anew", async () => {
  const carol = await app.person();
  await told({ token: carol.token });
  for (const other of [{ token: (await app.person()).token }, { token: carol.token, key: "phone-key" }]) {
    assert.equal((await told(other)).citationsMetadata.fromCache, false);
  }
});

test("both routes take an app's key, one of ours or a static one, and somebody who signed in", async () => {
  const ours = await app.key({ scopes: ["assist:write"], name: "shop" });
  for (const path of ["chat", "warmup"]) {
    const body = path === "warmup" ? {} : undefined;
    for (const asking of [{}, { key: ours }, { token: "tokenA" }, { key: ours, token: "tokenA" }]) {
      const response = await ask({ ...asking, path, body });
      assert.equal(response.status, 200, `${path} ${JSON.stringify(asking)} ${await response.text()}`);
    }
    const narrow = await app.key({ scopes: ["costs:read"] });
    for (const [asking, status, code] of [
      [{ key: "" }, 401, "AUTH_REQUIRED"],
      [{ key: "", token: "" }, 401, "AUTH_REQUIRED"],
      [{ token: "" }, 401, "AUTH_REQUIRED"],
      [{ key: ours, token: "" }, 401, "AUTH_REQUIRED"],
      [{ token: "invalid-token-xyz" }, 401, "AUTH_INVALID"],
      [{ token: ours }, 401, "AUTH_INVALID"],
      [{ key: "invalid-key" }, 401, "AUTH_INVALID"],
      [{ key: narrow }, 403, "SCOPE_MISSING"],
      [{ token: (await app.person("viewer")).token }, 403, "SCOPE_MISSING"],
    ] as const) {
      const refusal = await refused({ ...asking, path, body });
      assert.deepEqual([refusal.status, refusal.code], [status, code], `${path} ${JSON.stringify(asking)}`);
    }
  }
});

test("a static key of an app opens nothing else", async () => {
  const response = await app.fetch("/auth/me", { headers: { "x-api-key": "shop-key" } });
  assert.equal(response.status, 401);
});

test("what is wrong with a question is told by its path, before it counts", async () => {
  const turn = { role: "system", content: "x" };
  const many = Array.from({ length: 51 }, (_, index) => ({ itemId: String(index), title: "T" }));
  for (const [body, path] of [
    [{ items: [lamp] }, "message"],
    [{ items: [lamp], message: " " }, "message"],
    [{ items: [lamp], message: "x".repeat(4_001) }, "message"],
    [{ message: "Hello" }, "items"],
    [{ items: many, message: "Hello" }, "items"],
    [{ items: [lamp, lamp], message: "Hello" }, "items[1].itemId"],
    [{ items: [{ itemId: "1" }], message: "Hello" }, "items[0].title"],
    [{ items: [{ ...lamp, price: 5 }], message: "Hello" }, "items[0].price"],
    [{ items: [{ ...lamp, attributes: { a: {} } }], message: "Hello" }, "items[0].attributes.a"],
    [{ items: [lamp], message: "Hello", history: [turn] }, "history[0].role"],
  ] as const) {
    const response = await ask({ body });
    const { error } = (await response.json()) as Refused;
    assert.deepEqual([response.status, error.code], [400, "VALIDATION_FAILED"], path);
    assert.deepEqual([...new Set(error.details?.map((fault) => fault.path))], [path]);
    assert.equal(response.headers.get("x-ratelimit-remaining"), null);
  }
});

test("a warm-up asks no model, and is counted as every call is", async () => {
  const before = await rows();
  const response = await ask({ path: "warmup", body: { items: [lamp] } });
  assert.deepEqual([response.status, await response.json()], [200, { ready: true }]);
  assert.notEqual(response.headers.get("x-ratelimit-remaining"), null);
  assert.deepEqual(await rows(), before);
});

const noLimits = {
  ASSIST_USER_RATE_LIMIT_PER_MINUTE: "",
  ASSIST_USER_DAILY_QUOTA: "",
  ASSIST_IP_RATE_LIMIT_PER_MINUTE: "",
  ASSIST_RATE_LIMIT_PER_MINUTE: "",
  ASSIST_DEVICE_RATE_LIMIT_PER_MINUTE: "",
  ASSIST_DAILY_QUOTA: "",
};

test("each of the seven limits counts answers of the cache and warm-ups, too, and says until when", async (t) => {
  for (const [setting, limit, reason] of [
    ["ASSIST_USER_RATE_LIMIT_PER_MINUTE", "assist-user-minute", undefined],
    ["ASSIST_USER_DAILY_QUOTA", "assist-user-day", "daily_quota"],
    ["ASSIST_IP_RATE_LIMIT_PER_MINUTE", "assist-ip-minute", undefined],
    ["ASSIST_RATE_LIMIT_PER_MINUTE", "assist-key-minute", undefined],
    ["ASSIST_DEVICE_RATE_LIMIT_PER_MINUTE", "assist-device-minute", undefined],
    ["ASSIST_DAILY_QUOTA", "assist-device-day", "daily_quota"],
    ["ASSIST_DAILY_QUOTA", "assist-key-day", "daily_quota"],
  ] as const) {
    await t.test(limit, async () => {
      await using where = await testApp({ ...settings, ...noLimits, [setting]: "3" });
      const headers: Record<string, string> = limit.includes("device") ? { "x-device-id": "phone" } : {};
      const asking = { where, token: "tokenA", headers };
      const cached = [await told(asking), await told(asking)];
      assert.deepEqual(
        cached.map(({ citationsMetadata }) => citationsMetadata.fromCache),
        [false, true],
      );
      assert.equal((await ask({ ...asking, path: "warmup", body: {} })).status, 200);
      for (const path of ["chat", "warmup"]) {
        const body = path === "warmup" ? {} : undefined;
        const { status, code, resetAt, ...error } = await refused({ ...asking, path, body });
        assert.deepEqual([status, code, error.limit, error.reason], [429, "RATE_LIMITED", limit, reason]);
        assert.match(resetAt!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      }
    });
  }
});

test("a provider that fails is told as everywhere, and nothing of it is kept", async () => {
  await using where = await testApp({ ...settings, APP_MODEL: "sim-500-n5" });
  for (const message of ["Hello", "Hello", "Hello again"]) {
    const refusal = await refused({ where, token: "tokenA", body: { items: [lamp], message } });
    assert.deepEqual([refusal.status, refusal.code], [502, "PROVIDER_FAILED"]);
  }
  assert.deepEqual(await where.store.db.selectFrom("assistant_answers").selectAll().execute(), []);
});

test("erasing a person erases what the assistant answered them", async () => {
  const dora = await app.person();
  await told({ token: dora.token });
  const kept = () =>
    app.store.db.selectFrom("assistant_answers").select("user_id").where("user_id", "=", dora.id).execute();
  assert.equal((await kept()).length, 1);
  const admin = await app.person("admin");
  const erased = await app.fetch(`/admin/users/${dora.id}`, { method: "DELETE", key: admin.token });
  assert.ok(erased.status < 300, await erased.text());
  assert.deepEqual(await kept(), []);
});

test("no question, item or answer appears in the logs", async () => {
  const secret = "very-secret-lamp";
  await told({ body: { items: [{ ...lamp, title: secret }], message: secret } });
  assert.ok(!JSON.stringify(app.logs()).includes(secret));
});
