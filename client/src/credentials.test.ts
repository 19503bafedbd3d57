import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../gateway/src/lib/clock.ts";
import { TollgateClient } from "./client.ts";
import type { Tokens } from "./credentials.ts";
import { answering, json, refusal, type Seen } from "./testing.ts";

const baseUrl = "http://gate.test";
const user = { id: "usr_1" };

/** A gateway that trades refresh token n for n + 1, and takes only the newest access token. */
function tradingGateway() {
  let newest = 0;
  const trades: string[] = [];
  const server = answering(async ({ url, headers, body }) => {
    if (url.endsWith("/auth/refresh")) {
      trades.push((body as { refresh_token: string }).refresh_token);
      if (trades.at(-1) !== `refresh${newest}`) return refusal(401, "AUTH_INVALID");
      newest += 1;
      return json({
        access_token: `access${newest}`,
        refresh_token: `refresh${newest}`,
        expires_in: 3_600,
        user,
      });
    }
    return headers.get("authorization") === `Bearer access${newest}`
      ? json(user)
      : refusal(401, "AUTH_INVALID");
  });
  const revoke = (): void => {
    newest += 100;
  };
  return { ...server, trades, revoke };
}

const held = (expiresAt: number, name = "access0"): Tokens => ({
  accessToken: name,
  refreshToken: "refresh0",
  expiresAt,
});

test("tokens are traded before they end, once for all who ask, and stored before they are used", async () => {
  const clock = new VirtualClock();
  const { fetch, seen, trades } = tradingGateway();
  const order: string[] = [];
  const onSession = async (tokens: Tokens | undefined) => {
    await Promise.resolve();
    order.push(`stored ${tokens?.accessToken}`, `requests ${seen.length}`);
  };
  const client = new TollgateClient({
    baseUrl,
    fetch,
    clock,
    session: held(clock.now() + 29_000),
    onSession,
  });
  await Promise.all(Array.from({ length: 50 }, () => client.auth.me()));
  assert.deepEqual(trades, ["refresh0"]);
  assert.deepEqual(order, ["stored access1", "requests 1"]);
  assert.equal(client.session?.expiresAt, clock.now() + 3_600_000);
  clock.advance(3_500_000);
  await client.auth.me();
  assert.equal(trades.length, 1);
  clock.advance(80_000);
  await client.auth.me();
  assert.deepEqual(trades, ["refresh0", "refresh1"]);
});

test("tokens that are refused are traded once, also when the refusals come in late", async () => {
  const clock = new VirtualClock();
  const { fetch, trades } = tradingGateway();
  const client = new TollgateClient({ baseUrl, fetch, clock, session: held(clock.now() + 9e6, "stale") });
  await Promise.all(Array.from({ length: 50 }, () => client.auth.me()));
  assert.deepEqual(trades, ["refresh0"]);
});

test("a session that cannot be traded any more is over; an outage ends none", async () => {
  const clock = new VirtualClock();
  const { fetch, revoke, trades } = tradingGateway();
  const told: (Tokens | undefined)[] = [];
  const onSession = (tokens: Tokens | undefined) => void told.push(tokens);
  const session = held(clock.now() + 9e6);
  const client = new TollgateClient({ baseUrl, fetch, clock, session, onSession });
  revoke();
  await assert.rejects(Promise.resolve(client.auth.me()), { type: "AUTH_INVALID" });
  assert.deepEqual([told, trades.length, client.session], [[undefined], 1, undefined]);

  const away = answering(() => Promise.reject(new TypeError("fetch failed")));
  const soon = held(clock.now() + 1_000);
  const offline = new TollgateClient({
    baseUrl,
    fetch: away.fetch,
    maxRetries: 0,
    clock,
    session: soon,
    onSession,
  });
  await assert.rejects(Promise.resolve(offline.auth.me()), { type: "NETWORK_UNREACHABLE" });
  assert.equal(offline.session, soon);
  assert.equal(told.length, 1);
});

test("a tab goes on with the tokens that another has traded, and ends no session with its own", async () => {
  const clock = new VirtualClock();
  const { fetch, trades } = tradingGateway();
  const stored = { tokens: held(clock.now() + 1_000) as Tokens | undefined };
  const onSession = (tokens: Tokens | undefined) => {
    stored.tokens = tokens;
  };
  const options = { baseUrl, fetch, clock, session: stored.tokens!, onSession };
  const [one, other] = [new TollgateClient(options), new TollgateClient(options)];
  await one.auth.me();
  other.session = stored.tokens;
  await other.auth.me();
  assert.deepEqual(trades, ["refresh0"]);
});

test("who is calling and which app it is are told apart", async () => {
  const { fetch, seen } = answering(() => json(user));
  const credentialsOf = ({ headers }: Seen) => [headers.get("authorization"), headers.get("x-api-key")];
  const options = [{ apiKey: "sk-key" }, { apiKey: "sk-key", accessToken: "person" }, { appKey: "app" }, {}];
  for (const one of [...options, { appKey: "app", accessToken: "person" }]) {
    await new TollgateClient({ baseUrl, fetch, ...one }).auth.me();
  }
  assert.deepEqual(seen.map(credentialsOf), [
    ["Bearer sk-key", null],
    ["Bearer person", null],
    [null, "app"],
    [null, null],
    ["Bearer person", "app"],
  ]);
});
