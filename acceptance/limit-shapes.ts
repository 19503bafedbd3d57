import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../gateway/src/lib/until.testing.ts";
import { type Asking, ask, atOnce, told } from "./ask.ts";
import { issueKey, type Person } from "./people.ts";
import type { Variables } from "./server.ts";

/** Servers with the same stores, and their administrator. */
export type Site = { readonly urls: readonly string[]; readonly admin: Person };

/** Where `GET /v1/limits` says a caller stands. */
export type Seen = { readonly id: string; readonly limit: number; readonly used: number };

/** Everybody has a static token; nobody needs to register. `token-of-7` is that of `usr_7`. */
export const USERS = 400;
export const shapedEnv: Variables = {
  APP_AUTH_TOKEN_USER_MAP: Array.from({ length: USERS }, (_, i) => `token-of-${i}:usr_${i}`).join(),
  RATE_LIMIT_WINDOW_SECONDS: "3600",
  KEY_RATE_LIMIT_PER_MINUTE: "1",
  KEY_RATE_LIMIT_BURST: "20",
  ABUSE_HAMMERING: "",
  ABUSE_LOOK_UPS_PER_MINUTE: "",
  OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
};
export const shapedConfig = `
limits:
  user-minute: { algorithm: aligned }
  chat-window: { algorithm: sliding }
`;

/** A limit that can be used up by calls, `limit` of them unless its size is fixed. */
export type LimitShape = {
  readonly name: string;
  readonly id: string;
  readonly ofKeys: boolean;
  readonly size?: number;
  /** Takes nothing back before its calls have ended. */
  readonly isOfCalls?: true;
};

export const limitShapes: readonly LimitShape[] = [
  { name: "a key's bucket", id: "key-minute", ofKeys: true, size: 20 },
  { name: "a window from the first call on", id: "key-plan-minute", ofKeys: true },
  { name: "a window on the clock", id: "user-minute", ofKeys: false },
  { name: "a sliding window", id: "chat-window", ofKeys: false },
  { name: "a user's day", id: "user-day", ofKeys: false },
  { name: "a key's day", id: "key-day", ofKeys: true },
  { name: "calls in flight", id: "user-parallel", ofKeys: false, isOfCalls: true },
  { name: "tokens per minute", id: "user-tokens-minute", ofKeys: false, isOfCalls: true },
];

/** One after another, so that no test meets what another has used. */
let nextUser = 0;
export function freshUser(): Person {
  const number = nextUser++;
  if (number >= USERS) throw new Error("all users have been used");
  const id = `usr_${number}`;
  return { id, token: `token-of-${number}`, email: "", password: "", refreshToken: "" };
}

export async function override({ urls, admin }: Site, user: Person, overrides: object): Promise<void> {
  const line = `PATCH /admin/users/${user.id}/limits`;
  await told(urls[0]!, line, { token: admin.token, json: { overrides } });
}

/** A credential that meets this limit for the first time, with room for `limit` calls. */
export async function withRoom(site: Site, shape: LimitShape, limit: number): Promise<string> {
  const user = freshUser();
  const url = site.urls[0]!;
  if (shape.id === "user-tokens-minute") {
    const each = await tokensPerCall(site, freshUser());
    await override(site, user, { [shape.id]: each * limit });
  } else if (shape.size === undefined && shape.id !== "key-day") {
    await override(site, user, { [shape.id]: limit });
  }
  if (!shape.ofKeys) return user.token;
  return (await issueKey(url, user, shape.id === "key-day" ? { daily_quota: limit } : {})).key;
}

const messages = [{ role: "user", content: "Hello." }];
export const chat = (token: string, fields: object = {}): Asking => ({
  token,
  json: { model: "sim-echo", messages, ...fields },
});
export const CHAT = "POST /v1/chat/completions";

/** Calls that go on until they are let go; the answers tell only how they began. */
export async function begin(urls: readonly string[], token: string, count: number) {
  const leaving = new AbortController();
  const body = JSON.stringify({ model: "sim-slow-1tps", messages, stream: true, max_tokens: 50 });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answers = await atOnce(count, (i) =>
    fetch(`${urls[i % urls.length]}/v1/chat/completions`, {
      ...{ method: "POST", headers, body, signal: leaving.signal },
    }),
  );
  return { answers, leave: () => leaving.abort() };
}

async function tokensPerCall(site: Site, user: Person): Promise<number> {
  await override(site, user, { "user-tokens-minute": 1_000_000 });
  const { answers, leave } = await begin(site.urls.slice(0, 1), user.token, 1);
  leave();
  return 1_000_000 - Number(answers[0]!.headers.get("x-ratelimit-remaining-tokens"));
}

export async function seen(url: string, token: string, id: string): Promise<Seen> {
  const { limits } = await told<{ limits: readonly Seen[] }>(url, "GET /v1/limits", { token });
  return limits.find((one) => one.id === id)!;
}

/**
 * Ten times as many calls at once as the limit has room for: exactly that many pass. Servers that refuse when Redis
 * does not answer in time, as on a busy machine, never let more pass; then it is tried anew.
 */
export async function assertExact(site: Site, shape: LimitShape, wanted: number): Promise<void> {
  const limit = shape.size ?? wanted;
  await undisturbed(async () => {
    const token = await withRoom(site, shape, limit);
    await awayFromMinuteEnd();
    const statuses = await (shape.isOfCalls ? begunOf : statusesOf)(site.urls, token, 10 * limit);
    const count = (wantedStatus: number) => statuses.filter((status) => status === wantedStatus).length;
    assert.ok(count(200) <= limit, `${count(200)} passed: ${shape.name} of ${limit}`);
    if (count(503) > 0) throw new Error(`${count(503)} answers: 503`);
    assert.deepEqual([count(200), count(429)], [limit, 9 * limit], `${shape.name} of ${limit}`);
  });
}

const ATTEMPTS = 8;
/** An instance leaves a silent Redis alone for a second. */
const AFTER_TROUBLE_MS = 1_100;

/** Repeats what ended in a 503. */
export async function undisturbed(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !String(error).includes(": 503")) throw error;
      await pause(AFTER_TROUBLE_MS);
    }
  }
}

async function begunOf(urls: readonly string[], token: string, count: number): Promise<number[]> {
  const { answers, leave } = await begin(urls, token, count);
  leave();
  return answers.map(({ status }) => status);
}

async function statusesOf(urls: readonly string[], token: string, count: number): Promise<number[]> {
  const replies = await atOnce(count, (i) => ask(urls[i % urls.length]!, CHAT, chat(token)));
  return replies.map(({ status }) => status);
}

/** A window on the clock would rightly let twice as many pass across the end of a minute. */
export async function awayFromMinuteEnd(): Promise<void> {
  await until(() => Date.now() % 60_000 < 55_000);
}
