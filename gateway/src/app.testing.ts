import { type App, type AppOptions, openApp } from "./app.ts";
import { filePlans } from "./config/config.ts";
import { readSettings } from "./config/environment.ts";
import type { ConfigFile } from "./config/file.ts";
import { issueApiKey, type NewApiKey } from "./identity/api-keys.ts";
import type { Role } from "./identity/principal.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { systemChance as chance } from "./lib/ids.ts";
import { derivedKey } from "./lib/secrets.ts";
import { holdPlan } from "./limits/plans.ts";
import { type TestStore, testStore } from "./store/testing.ts";
import { jsonLog } from "./telemetry/log.ts";

/** An app as it ships, on an empty database and the simulated provider, for tests. */
export type TestApp = AsyncDisposable & {
  readonly url: string;
  readonly endpoints: App["endpoints"];
  readonly store: TestStore;
  /** What was logged so far, parsed. */
  logs(): readonly Record<string, unknown>[];
  key(wanted?: Partial<NewApiKey>): Promise<string>;
  /** Somebody who has registered and signed in, and was given this role before. */
  person(role?: Role): Promise<Person>;
  fetch(path: string, request?: RequestInit & { key?: string; json?: unknown }): Promise<Response>;
  chat(key: string, body?: Record<string, unknown>, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
};

export type Person = {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  /** Access token. */
  readonly token: string;
  readonly refreshToken: string;
};

const noFile: ConfigFile = {
  providers: {},
  aliases: {},
  prices: {},
  plans: {},
  limits: {},
  operations: {},
};
export const testSecretKey = Buffer.alloc(32, 0x0f);

export async function testApp(
  variables: Readonly<Record<string, string>> = {},
  file: Partial<ConfigFile> = {},
  commands?: NonNullable<AppOptions["commands"]>,
): Promise<TestApp> {
  const store = await testStore();
  const lines: string[] = [];
  const settings = readSettings({
    PORT: "0",
    LOG_CALLS: "all",
    OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
    ...testRedisUrl(),
    ...variables,
  });
  const app: App = await openApp({
    settings,
    file: { ...noFile, ...file },
    secretKey: testSecretKey,
    store,
    clock,
    chance,
    ...(commands === undefined ? {} : { commands }),
    log: jsonLog("debug", clock, { write: (line: string) => lines.push(line) }),
  });
  const pepper = derivedKey(testSecretKey, "apikey-pepper");
  let people = 0;
  const request: TestApp["fetch"] = (path, { key, json, headers, ...rest } = {}) =>
    fetch(app.url + path, {
      ...rest,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...(headers as Record<string, string>),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
  return {
    url: app.url,
    endpoints: app.endpoints,
    store,
    logs: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    async key(wanted = {}) {
      const { key } = await issueApiKey(
        { change: app.change, clock, chance, pepper, holdPlan: holdPlan(filePlans({ ...noFile, ...file })) },
        { actor: { type: "system", id: "test" } },
        {
          userId: "usr_dev",
          name: "test",
          scopes: ["inference:write", "costs:read"],
          projectId: null,
          dailyQuota: null,
          expiresAt: null,
          ...wanted,
        },
      );
      return key;
    },
    async person(role = "developer") {
      people += 1;
      const email = `person${people}@example.com`;
      const password = "password123";
      const post = async (path: string, json: object) => {
        const response = await request(path, { method: "POST", json });
        if (!response.ok) throw new Error(await response.text());
        return (await response.json()) as {
          access_token: string;
          refresh_token: string;
          user: { id: string };
        };
      };
      const { user } = await post("/auth/register", { email, name: `Person ${people}`, password });
      await store.db.updateTable("users").set({ role }).where("id", "=", user.id).execute();
      const { access_token, refresh_token } = await post("/auth/login", { email, password });
      return { id: user.id, email, password, token: access_token, refreshToken: refresh_token };
    },
    fetch: request,
    chat: (key, body = {}, headers = {}) =>
      request("/v1/chat/completions", {
        method: "POST",
        key,
        headers,
        json: { model: "sim-echo", messages: [{ role: "user", content: "Hello" }], ...body },
      }),
    close: app.close,
    [Symbol.asyncDispose]: app.close,
  };
}

/** Every test has a database of its own, and with it counters of its own in the shared Redis. */
function testRedisUrl(): Record<string, string> {
  const url = process.env.TOLLGATE_TEST_REDIS_URL;
  return url === undefined ? {} : { REDIS_URL: url };
}
