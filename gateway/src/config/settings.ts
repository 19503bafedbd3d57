import { headerStyles } from "../limits/headers.ts";
import {
  choice,
  decimal,
  flag,
  integer,
  limit,
  list,
  origins,
  type Setting,
  secret,
  text,
  url,
  words,
} from "./setting.ts";

const web = { protocols: ["http:", "https:"] } as const;

/** How a protection is rolled out (X4). */
function mode({ about }: { readonly about: string }) {
  return choice({
    default: "enforce",
    of: ["off", "report", "enforce"],
    about: `${about} Off, only counted and logged, or enforced.`,
  });
}

/** How many signs of one kind of abuse within how many seconds start a cooldown of how many. */
function abuse<const K extends string>(
  kind: K,
  usual: { readonly count: number; readonly window: number; readonly cooldown: number },
  about: string,
) {
  const seconds = { min: 1, max: 86_400 };
  return {
    [`ABUSE_${kind}`]: limit({ default: usual.count, about: `${about} that start a cooldown.` }),
    [`ABUSE_${kind}_WINDOW_SECONDS`]: integer({
      ...seconds,
      default: usual.window,
      about: "Within so many seconds.",
    }),
    [`ABUSE_${kind}_COOLDOWN_SECONDS`]: integer({
      ...seconds,
      default: usual.cooldown,
      about: "Length of the first such cooldown.",
    }),
  } as { readonly [N in `ABUSE_${K}`]: Setting<number | undefined> } & {
    readonly [N in `ABUSE_${K}_WINDOW_SECONDS` | `ABUSE_${K}_COOLDOWN_SECONDS`]: Setting<number>;
  };
}

/** Every setting there is (S4). `.env.example` and docs/settings.md are checked against this table. */
export const settings = {
  NODE_ENV: text({ about: "`production` demands SECRET_KEY and prints no first key." }),
  HOST: text({ default: "127.0.0.1", about: "Address to listen on." }),
  PORT: integer({ default: 8080, max: 65535, about: "Port to listen on; 0 takes a free one." }),
  DATA_DIR: text({
    default: ".tollgate",
    about: "Folder of the embedded database and of generated secrets.",
  }),
  ROLE: choice({
    default: "all",
    of: ["gateway", "worker", "all"],
    about: "What this process does: answer requests, do jobs, or both.",
  }),
  DATABASE_URL: url({
    protocols: ["postgres:", "postgresql:"],
    secret: true,
    about: "PostgreSQL 15 or newer. Without it the embedded database is used.",
  }),
  DATABASE_POOL_SIZE: integer({
    default: 10,
    min: 2,
    max: 200,
    about: "Connections to PostgreSQL per process.",
  }),
  REDIS_URL: url({
    protocols: ["redis:", "rediss:", "redis+cluster:", "rediss+cluster:"],
    secret: true,
    about: "Redis 6.2 or newer, or any node of a Redis Cluster, for limits that several instances share.",
  }),
  REDIS_FAIL_MODE: choice({
    default: "local",
    of: ["local", "closed", "open"],
    about: "Per-minute limits while Redis does not answer: a local share, refuse, or admit.",
  }),
  CONFIG_FILE: text({
    about: "YAML file with providers, aliases, plans and prices; else tollgate.yaml if there.",
  }),
  SHUTDOWN_TIMEOUT_SECONDS: integer({
    default: 30,
    max: 3600,
    about: "How long running calls may finish after a stop signal.",
  }),
  BODY_LIMIT_BYTES: integer({
    default: 1_048_576,
    min: 1024,
    about: "Largest body of a management request.",
  }),
  AI_BODY_LIMIT_BYTES: integer({ default: 10_485_760, min: 1024, about: "Largest body of an AI request." }),
  TRUSTED_PROXIES: list({
    about:
      "Networks (CIDR) of the proxies whose X-Forwarded-For is believed. Empty: the socket's address counts.",
  }),
  CORS_ORIGINS: origins({
    about: "Origins (https://app.example.com) whose pages may call every endpoint. Empty: none.",
  }),
  METRICS_PUBLIC: flag({ default: false, about: "Serve /metrics to everyone, not only to loopback." }),
  INTERNAL_API_TOKEN: secret({
    minBytes: 16,
    about: "Opens /internal/* and /metrics to the operator's systems.",
  }),
  TOLLGATE_URL: url({
    ...web,
    about: "A running server that the command line asks, instead of opening the data itself.",
  }),
  TOLLGATE_TOKEN: secret({
    about: "An administrator's API key or access token, which the command line shows to TOLLGATE_URL.",
  }),
  LOG_LEVEL: choice({
    default: "info",
    of: ["debug", "info", "warn", "error", "silent"],
    about: "Least severe log line that is written.",
  }),
  LOG_CALLS: choice({
    default: "sampled",
    of: ["all", "sampled", "errors"],
    about: "Which finished requests get a log line: all, errors and one in a hundred, or errors only.",
  }),
  AUDIT_CHECKPOINT_FILE: text({
    about:
      "File to which checkpoints of the audit log are appended, best where this machine cannot change it.",
  }),
  AUDIT_CHECKPOINT_SECONDS: integer({
    default: 900,
    min: 1,
    max: 86_400,
    about: "How often a checkpoint of the audit log is written, if there is anything new.",
  }),

  SECRET_KEY: secret({
    minBytes: 32,
    about: "Every derived secret comes from it. Generated once if embedded.",
  }),
  SECRET_KEY_PREVIOUS: secret({
    minBytes: 32,
    about: "The key before SECRET_KEY: what was made with it stays good.",
  }),
  PUBLIC_URL: url({
    ...web,
    about: "Where people reach this deployment; the issuer named in its access tokens.",
  }),
  ACCESS_TOKEN_TTL_SECONDS: integer({
    default: 86_400,
    min: 60,
    max: 604_800,
    about: "Life of an access token; 900 is safer where every client refreshes.",
  }),
  REFRESH_GRACE_SECONDS: integer({
    default: 10,
    max: 300,
    about: "How long a used refresh token still gives its successor, if that is unused.",
  }),
  REGISTRATION: choice({
    default: "open",
    of: ["open", "closed"],
    about: "Whether people may register by themselves.",
  }),
  BOOTSTRAP_ADMIN_EMAIL: text({ about: "Makes the first administrator at a start without one." }),
  BOOTSTRAP_ADMIN_PASSWORD: secret({
    about: "The first administrator's password; best from BOOTSTRAP_ADMIN_PASSWORD_FILE.",
  }),
  LOGIN_WINDOW_SECONDS: integer({
    default: 900,
    min: 1,
    max: 86_400,
    about: "Length of the window of the sign-in throttles.",
  }),
  LOGIN_ATTEMPTS_PER_EMAIL_AND_ADDRESS: limit({
    default: 5,
    about: "Failed sign-ins per window, by e-mail and client address.",
  }),
  LOGIN_ATTEMPTS_PER_ADDRESS: limit({ default: 30, about: "Failed sign-ins per window, by client address." }),
  LOGIN_ATTEMPTS_PER_EMAIL: limit({
    default: 20,
    about: "Failed sign-ins per window, by e-mail; not for addresses that signed in within 30 days.",
  }),
  REGISTRATION_ATTEMPTS_PER_ADDRESS: limit({
    default: 5,
    about: "Registrations with a taken e-mail per hour, by client address.",
  }),
  GOOGLE_CLIENT_IDS: list({ about: "Client ids whose ID tokens sign people in. Empty: no Google sign-in." }),
  GOOGLE_ISSUER: text({ about: "Issuer of ID tokens, if not Google." }),
  GOOGLE_JWKS_URL: url({
    ...web,
    about: "The issuer's keys, instead of https://www.googleapis.com/oauth2/v3/certs.",
  }),
  GOOGLE_JWKS_FILE: text({ about: "The issuer's keys as a file, instead of a URL." }),
  GOOGLE_TRUSTS_EMAIL: flag({
    default: false,
    about: "The issuer in Google's place runs the mailboxes of the addresses it verifies.",
  }),
  GOOGLE_HOSTED_DOMAINS: list({ about: "Only accounts of these Google Workspace domains may sign in." }),

  API_KEY_PEPPER: secret({
    minBytes: 32,
    about: "Pepper of stored key digests, if not derived from SECRET_KEY.",
  }),
  KEY_CACHE_EPOCH: integer({
    default: 0,
    about: "A higher one than before drops every cached identity of every instance at the next start.",
  }),
  APP_AUTH_TOKEN_USER_MAP: secret({
    about: "Static bearer tokens and their users: tokenA:usr_dev,tokenB:usr_2.",
  }),
  APP_AUTH_BEARER_TOKENS: secret({ about: "Legacy static bearer tokens, all of APP_AUTH_DEFAULT_USER." }),
  APP_AUTH_DEFAULT_USER: text({
    default: "usr_dev",
    about: "User behind the legacy tokens and the first key.",
  }),

  RATE_LIMIT_WINDOW_SECONDS: integer({
    default: 60,
    min: 1,
    max: 86_400,
    about: "Length of the window of the endpoint-class limits.",
  }),
  RATE_LIMIT_HEADERS: words({
    of: headerStyles,
    about: "Limit headers to send: X-RateLimit-* and those of the caller's dialect, and the IETF draft's.",
  }),
  RATE_LIMIT_CAPTURE_PER_WINDOW: limit({ default: 20, about: "Capture calls per user and window." }),
  RATE_LIMIT_QUERY_PER_WINDOW: limit({ default: 30, about: "Query calls per user and window." }),
  RATE_LIMIT_PLAN_PER_WINDOW: limit({ default: 15, about: "Plan calls per user and window." }),
  RATE_LIMIT_CHAT_PER_WINDOW: limit({ default: undefined, about: "AI calls per user and window." }),
  RATE_LIMIT_LOCAL_SHARE_PERCENT: integer({
    default: 100,
    min: 1,
    max: 100,
    about: "This instance's part of a limit while Redis does not answer: 100 / number of instances.",
  }),
  KEY_RATE_LIMIT_PER_MINUTE: limit({ default: 600, about: "Refill of the bucket of each API key." }),
  KEY_RATE_LIMIT_BURST: limit({ default: 600, about: "Size of the bucket of each API key." }),
  IP_RATE_LIMIT_PER_MINUTE: limit({ default: 1200, about: "Refill of the bucket of each client address." }),
  IP_RATE_LIMIT_BURST: limit({ default: 1200, about: "Size of the bucket of each client address." }),

  ASSIST_API_KEYS: secret({
    about: "Static keys of apps that ask the assistant (X-API-Key), besides API keys: k1,k2.",
  }),
  ASSIST_CACHE_TTL_SECONDS: integer({
    default: 300,
    max: 86_400,
    about: "How long the assistant gives a user the same answer to the same question; 0: never.",
  }),
  ASSIST_USER_RATE_LIMIT_PER_MINUTE: limit({ default: 20, about: "Assistant calls per user and minute." }),
  ASSIST_USER_DAILY_QUOTA: limit({ default: 100, about: "Assistant calls per user and UTC day." }),
  ASSIST_RATE_LIMIT_PER_MINUTE: limit({ default: 60, about: "Assistant calls per API key and minute." }),
  ASSIST_IP_RATE_LIMIT_PER_MINUTE: limit({
    default: 60,
    about: "Assistant calls per client address and minute.",
  }),
  ASSIST_DEVICE_RATE_LIMIT_PER_MINUTE: limit({
    default: 30,
    about: "Assistant calls per device (X-Device-Id) and minute.",
  }),
  ASSIST_DAILY_QUOTA: limit({
    default: 200,
    about: "Assistant calls per device, or without one per API key, and UTC day.",
  }),

  SCOPES_MODE: mode({ about: "Scopes of API keys; the roles of users are always enforced." }),
  RATE_LIMITS_MODE: mode({ about: "Windows, buckets, tokens per minute and calls under way." }),
  QUOTAS_MODE: mode({ about: "Daily quotas." }),
  ABUSE_MODE: mode({ about: "Cooldowns." }),
  OVERLOAD_MAX_IN_FLIGHT: limit({
    default: 1000,
    about: "Requests under way at a time; a fifth is kept for health, sign-in and job polling.",
  }),
  OVERLOAD_MAX_QUEUE_DEPTH: limit({ default: 10_000, about: "Jobs waiting." }),
  OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: limit({
    default: 200,
    about: "99th percentile of the event loop's delay over five seconds.",
  }),
  ...abuse("INVALID_CREDENTIALS", { count: 20, window: 300, cooldown: 60 }, "Credentials that prove nothing"),
  ...abuse("VALIDATION_FAILURES", { count: 20, window: 60, cooldown: 30 }, "Requests that are not valid"),
  ...abuse("NOT_FOUND", { count: 30, window: 60, cooldown: 60 }, "Questions for what is not there"),
  ...abuse("HAMMERING", { count: 100, window: 60, cooldown: 60 }, "Requests beyond a limit"),
  ABUSE_LOOK_UPS_PER_MINUTE: limit({
    default: 600,
    about: "Credentials that have to be looked up, per client address and minute.",
  }),
  ABUSE_MAX_COOLDOWN_SECONDS: integer({
    default: 3600,
    min: 1,
    max: 604_800,
    about: "Longest cooldown; each that follows within a day of the last is twice as long.",
  }),

  COST_INPUT_PER_MILLION_USD: decimal({ default: "0.20", about: "Input rate of a model in no price book." }),
  COST_CACHED_INPUT_PER_MILLION_USD: decimal({ default: "0.05", about: "Its cached input rate." }),
  COST_OUTPUT_PER_MILLION_USD: decimal({ default: "0.50", about: "Its output rate." }),
  PRICE_UNKNOWN_POLICY: choice({
    default: "default",
    of: ["default", "deny"],
    about: "A model in no price book: default rates, or 402 PRICE_UNKNOWN.",
  }),
  LEDGER_RETENTION_DAYS: integer({
    min: 32,
    max: 36_500,
    about:
      "How many UTC days of ledger rows are kept; empty: all. Reports and budgets keep what older ones say.",
  }),
  RESERVATION_TTL_SECONDS: integer({
    default: 60,
    min: 1,
    max: 3600,
    about: "A dead process's reservation is charged this long after its last heartbeat.",
  }),
  RESERVATION_WAIT_SECONDS: integer({
    default: 20,
    max: 600,
    about: "How long a call waits for money of its budget that other running calls hold.",
  }),

  APP_MODEL: text({
    about: "Model of apps' calls that name none; else the usual one of the provider that takes bare names.",
  }),
  JOB_MODEL: text({
    about: "Model of jobs that name none; else the usual one of the provider that takes bare names.",
  }),
  JOB_RETRY_BASE_SECONDS: integer({
    default: 60,
    min: 1,
    max: 86_400,
    about: "Pause before a failed job's first retry; each that follows is twice as long.",
  }),
  JOB_MAX_RETRIES: integer({ default: 3, max: 20, about: "Retries of a job that does not say how many." }),
  JOB_LEASE_SECONDS: integer({
    default: 30,
    min: 3,
    max: 3600,
    about: "A dead worker's job is taken up again this long after its last heartbeat.",
  }),
  JOB_PROJECT_CONCURRENCY: integer({
    default: 0,
    max: 10_000,
    about: "Jobs of one project that run at a time, on all workers together; 0: any number.",
  }),
  WORKER_CONCURRENCY: integer({ default: 4, min: 1, max: 1000, about: "Jobs at a time, per worker." }),

  ALERT_WEBHOOK_URL: url({
    ...web,
    secret: true,
    about: "Every event is posted here, signed by Standard Webhooks.",
  }),
  ALERT_WEBHOOK_SECRET: secret({
    about:
      "Signs what goes there: whsec_ and 24 to 64 bytes in base64; during a rotation two, comma-separated.",
  }),
  SMTP_URL: url({
    protocols: ["smtp:", "smtps:"],
    secret: true,
    about: "Every event is mailed by this server, such as smtp://user:password@mail.example.com:587.",
  }),
  ALERT_EMAIL_FROM: text({ about: "Sender of these mails." }),
  ALERT_EMAIL_TO: list({ about: "Their recipients." }),
  OUTBOUND_ALLOW_CIDRS: list({
    about:
      "Private networks (CIDR) that webhooks and stored providers may lead to, by http and on any port. Empty: none.",
  }),

  EVENTS_MAX_CONNECTIONS: integer({
    default: 500,
    min: 1,
    max: 100_000,
    about: "Listeners to live events per process; one user may be a tenth of them.",
  }),
  EVENTS_RETENTION_HOURS: integer({
    default: 72,
    min: 1,
    max: 8760,
    about: "How long a listener may be away and still hear what it missed.",
  }),

  DEFAULT_PROVIDER: text({
    about: "Provider of bare model names that nobody knows; else the first configured.",
  }),
  OPENAI_API_KEY: secret({ about: "Switches OpenAI on." }),
  OPENAI_BASE_URL: url({ ...web, about: "Instead of https://api.openai.com/v1." }),
  GEMINI_API_KEY: secret({ about: "Switches Google on." }),
  GEMINI_BASE_URL: url({
    ...web,
    about: "Instead of https://generativelanguage.googleapis.com/v1beta/openai.",
  }),
  ANTHROPIC_API_KEY: secret({ about: "Switches Anthropic on." }),
  ANTHROPIC_BASE_URL: url({ ...web, about: "Instead of https://api.anthropic.com." }),
  GROQ_API_KEY: secret({ about: "Switches Groq on." }),
  GROQ_BASE_URL: url({ ...web, about: "Instead of https://api.groq.com/openai/v1." }),
  XAI_API_KEY: secret({ about: "Switches xAI on." }),
  XAI_BASE_URL: url({ ...web, about: "Instead of https://api.x.ai/v1." }),
  PROVIDER_CONNECT_TIMEOUT_SECONDS: integer({ default: 10, min: 1, about: "Longest wait for a connection." }),
  PROVIDER_HEADERS_TIMEOUT_SECONDS: integer({
    default: 300,
    min: 1,
    about: "Longest wait for the answer to begin.",
  }),
  PROVIDER_IDLE_TIMEOUT_SECONDS: integer({ default: 60, min: 1, about: "Longest silence within an answer." }),
  PROVIDER_CONNECTIONS: integer({ default: 1024, min: 1, about: "Connections to one provider per process." }),
  BREAKER_FAILURE_THRESHOLD: integer({
    default: 5,
    min: 1,
    max: 1000,
    about: "Failures in a row after which a provider is not asked any more.",
  }),
  BREAKER_OPEN_SECONDS: integer({
    default: 60,
    min: 1,
    max: 3600,
    about: "After so long one call may try whether the provider is back.",
  }),
  BREAKER_PROBE_LEASE_SECONDS: integer({
    default: 30,
    min: 1,
    max: 600,
    about: "A call that tries and says nothing for so long is replaced by the next.",
  }),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof settings;
export type Settings = {
  readonly [N in SettingName]: (typeof settings)[N] extends Setting<infer T> ? T : never;
};

/** Unknown settings that begin like this are typing mistakes and stop the start. */
export const ownPrefixes = [
  "TOLLGATE_",
  "RATE_LIMIT_",
  "COST_",
  "ASSIST_",
  "BREAKER_",
  "JOB_",
  "OVERLOAD_",
  "ABUSE_",
  "ALERT_",
  "EVENTS_",
  "SMTP_",
  "OUTBOUND_",
  "BOOTSTRAP_",
  "GOOGLE_",
  "RESERVATION_",
  "LEDGER_",
  "AUDIT_CHECKPOINT_",
] as const;
