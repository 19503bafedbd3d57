import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { describeSettings, readSettings, SettingsError } from "./environment.ts";
import { settings } from "./settings.ts";

const folder = mkdtempSync(join(tmpdir(), "tollgate-settings-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function faultsOf(variables: Record<string, string>): readonly string[] {
  try {
    readSettings(variables);
    return [];
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.faults;
  }
}

/** One valid secret for every setting that is one, all different. */
const secrets = Object.fromEntries(
  Object.entries(settings)
    .filter(([, setting]) => setting.secret)
    .map(([name]) => {
      const word = `hunter2-${name}-0123456789abcdef0123456789abcdef`;
      if (name === "DATABASE_URL") return [name, `postgres://ann:${word}@localhost/x`];
      if (name === "REDIS_URL") return [name, `redis://:${word}@localhost`];
      if (name === "SMTP_URL") return [name, `smtp://ann:${word}@localhost`];
      if (name === "ALERT_WEBHOOK_URL") return [name, `https://example.com/${word}`];
      if (name === "ALERT_WEBHOOK_SECRET")
        return [name, `whsec_${Buffer.from(word).subarray(0, 64).toString("base64")}`];
      return [name, name === "APP_AUTH_TOKEN_USER_MAP" ? `${word}:usr_ann` : word];
    }),
);

/** What some of them are nothing without. */
const beside: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  BOOTSTRAP_ADMIN_PASSWORD: { BOOTSTRAP_ADMIN_EMAIL: "ann@example.com" },
  SMTP_URL: { ALERT_EMAIL_FROM: "tollgate@example.com", ALERT_EMAIL_TO: "ann@example.com" },
  ALERT_WEBHOOK_URL: { ALERT_WEBHOOK_SECRET: secrets.ALERT_WEBHOOK_SECRET! },
};

test("the defaults are those that were promised", () => {
  const defaults = readSettings({});
  const promised = {
    HOST: "127.0.0.1",
    PORT: 8080,
    DATA_DIR: ".tollgate",
    ROLE: "all",
    REDIS_FAIL_MODE: "local",
    SHUTDOWN_TIMEOUT_SECONDS: 30,
    BODY_LIMIT_BYTES: 1024 * 1024,
    AI_BODY_LIMIT_BYTES: 10 * 1024 * 1024,
    TRUSTED_PROXIES: [],
    METRICS_PUBLIC: false,
    APP_AUTH_DEFAULT_USER: "usr_dev",
    RATE_LIMIT_WINDOW_SECONDS: 60,
    RATE_LIMIT_CAPTURE_PER_WINDOW: 20,
    RATE_LIMIT_QUERY_PER_WINDOW: 30,
    RATE_LIMIT_PLAN_PER_WINDOW: 15,
    RATE_LIMIT_CHAT_PER_WINDOW: undefined,
    KEY_RATE_LIMIT_PER_MINUTE: 600,
    KEY_RATE_LIMIT_BURST: 600,
    IP_RATE_LIMIT_PER_MINUTE: 1200,
    IP_RATE_LIMIT_BURST: 1200,
    COST_INPUT_PER_MILLION_USD: "0.20",
    COST_CACHED_INPUT_PER_MILLION_USD: "0.05",
    COST_OUTPUT_PER_MILLION_USD: "0.50",
    PRICE_UNKNOWN_POLICY: "default",
    RESERVATION_TTL_SECONDS: 60,
  };
  for (const [name, value] of Object.entries(promised)) {
    assert.deepEqual(defaults[name as keyof typeof promised], value, name);
  }
  for (const name of Object.keys(secrets)) assert.equal(defaults[name as "SECRET_KEY"], undefined, name);
});

test("an empty setting is an unset one, but an empty limit is switched off", () => {
  const empty = Object.fromEntries(Object.keys(settings).map((name) => [name, ""]));
  const values = readSettings(empty);
  const unset = readSettings({});
  for (const name of Object.keys(settings) as (keyof typeof settings)[]) {
    const isLimit = settings[name].empty !== undefined;
    assert.deepEqual(values[name], isLimit ? undefined : unset[name], name);
  }
  assert.equal(readSettings({ KEY_RATE_LIMIT_PER_MINUTE: "0" }).KEY_RATE_LIMIT_PER_MINUTE, 0);
});

test("values are read as what they are", () => {
  const values = readSettings({
    PORT: "0",
    METRICS_PUBLIC: "true",
    TRUSTED_PROXIES: "10.0.0.0/8, fd00::/8",
    OPENAI_BASE_URL: "https://proxy.example/v1//",
    COST_INPUT_PER_MILLION_USD: "0.000001",
    SOMETHING_ELSE: "ignored",
  });
  assert.deepEqual(
    [values.PORT, values.METRICS_PUBLIC, values.TRUSTED_PROXIES, values.OPENAI_BASE_URL],
    [0, true, ["10.0.0.0/8", "fd00::/8"], "https://proxy.example/v1"],
  );
  assert.equal(values.COST_INPUT_PER_MILLION_USD, "0.000001");
});

test("every fault is told at once, with what would be right", () => {
  const faults = faultsOf({
    PORT: "70000",
    ROLE: "boss",
    METRICS_PUBLIC: "yes",
    COST_OUTPUT_PER_MILLION_USD: "-1",
    OPENAI_BASE_URL: "ftp://x",
    RATE_LIMIT_WINDOW_SECONDS: "1.5",
    KEY_RATE_LIMIT_BURST: "many",
    SECRET_KEY: "short",
  });
  assert.deepEqual(faults, [
    "PORT=70000 must be a whole number from 0 to 65535",
    "ROLE=boss must be one of gateway, worker, all",
    "METRICS_PUBLIC=yes must be true or false",
    "SECRET_KEY must have at least 32 bytes",
    "RATE_LIMIT_WINDOW_SECONDS=1.5 must be a whole number from 1 to 86400",
    "KEY_RATE_LIMIT_BURST=many must be a whole number from 0 to 1000000000",
    "COST_OUTPUT_PER_MILLION_USD=-1 must be a decimal number such as 0.20",
    "OPENAI_BASE_URL=ftp://x must be a URL that begins with http:// or https://",
  ]);
});

test("a mistyped setting of ours stops the start, a stranger's does not", () => {
  const faults = faultsOf({
    RATE_LIMIT_CHAT_PER_MINUTE: "1",
    TOLLGATE_PORT: "1",
    COST_INPUT_PER_MILLION_USD_FILE: "/x",
    PATH: "/bin",
    npm_config_x: "1",
  });
  assert.deepEqual(
    faults.map((fault) => fault.split(" ", 1)[0]),
    ["RATE_LIMIT_CHAT_PER_MINUTE", "TOLLGATE_PORT", "COST_INPUT_PER_MILLION_USD_FILE"],
  );
});

test("a caller's key in the shell stops neither a start nor a command", () => {
  assert.deepEqual(faultsOf({ TOLLGATE_KEY: "sk-tg1_secret" }), []);
});

test("every secret may come from a file, less one trailing line feed", () => {
  for (const [name, value] of Object.entries(secrets)) {
    const path = file(name, `${value}\n`);
    assert.equal(
      readSettings({ [`${name}_FILE`]: path, ...beside[name] })[name as "SECRET_KEY"],
      value,
      name,
    );
  }
  const path = file("two-feeds", `${"x".repeat(40)}\n\n`);
  assert.equal(readSettings({ SECRET_KEY_FILE: path }).SECRET_KEY, `${"x".repeat(40)}\n`);
});

test("the first administrator is named with an address and a password that would do for anybody, or not at all", () => {
  const [email, password] = ["BOOTSTRAP_ADMIN_EMAIL", "BOOTSTRAP_ADMIN_PASSWORD"] as const;
  for (const [variables, faults] of [
    [{ [email]: "ann@example.com" }, [`${password} is missing beside ${email}`]],
    [{ [password]: "password123" }, [`${email} is missing beside ${password}`]],
    [
      { [email]: "boss", [password]: "x" },
      [`${email} must be an e-mail address`, `${password} must have at least 8 characters`],
    ],
    [
      { [email]: "ann@example.com", [password]: "x".repeat(1025) },
      [`${password} must have at most 1024 bytes`],
    ],
    [{ [email]: "", [password]: "" }, []],
    [{ [email]: "ann@example.com", [password]: "password123" }, []],
  ] as const) {
    assert.deepEqual(faultsOf(variables), faults);
  }
});

test("a secret given twice, or in a file that cannot be read, stops the start", () => {
  const path = file("secret", "x".repeat(40));
  assert.deepEqual(faultsOf({ SECRET_KEY: "y".repeat(40), SECRET_KEY_FILE: path }), [
    "SECRET_KEY and SECRET_KEY_FILE are both set; keep one",
  ]);
  assert.deepEqual(faultsOf({ OPENAI_API_KEY_FILE: join(folder, "none") }), [
    "OPENAI_API_KEY_FILE names a file that cannot be read",
  ]);
});

test("what is in force is shown without a single secret", () => {
  const shown = describeSettings(
    readSettings({ ...Object.assign({}, ...Object.values(beside)), ...secrets }),
  );
  assert.doesNotMatch(JSON.stringify(shown), /hunter2/);
  for (const { name, value } of shown) {
    if (name in secrets) assert.equal(value, "set", name);
  }
  assert.deepEqual(
    shown.map(({ name }) => name),
    Object.keys(settings),
  );
});

test("no fault repeats a secret's value", () => {
  const wrong = Object.fromEntries(Object.keys(secrets).map((name) => [name, "hunter2"]));
  const faults = faultsOf(wrong);
  assert.ok(faults.length >= 4);
  assert.doesNotMatch(faults.join("\n"), /hunter2/);
});
