import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startTollgate } from "../../acceptance/server.ts";
import { describeError, TollgateClient, TollgateError } from "./index.ts";

const server = await startTollgate({
  env: {
    APP_AUTH_TOKEN_USER_MAP: "tokenA:usr_a",
    KEY_RATE_LIMIT_PER_MINUTE: "60",
    KEY_RATE_LIMIT_BURST: "3",
    OVERLOAD_MAX_IN_FLIGHT: "5",
    OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
  },
});
after(() => server[Symbol.asyncDispose]());

const baseUrl = server.url;
const chat = { model: "sim-echo", messages: [{ role: "user", content: "Hello" }] };
const impatient = { maxRetries: 0 };
const owner = new TollgateClient({ baseUrl, accessToken: "tokenA" });

async function refused(work: PromiseLike<unknown>): Promise<TollgateError | undefined> {
  return Promise.resolve(work).then(
    () => undefined,
    (error: unknown) => {
      assert.ok(error instanceof TollgateError);
      return error;
    },
  );
}

test("who goes beyond a limit is told when to come back, and a patient client comes back by itself", async () => {
  const { key } = await owner.keys.create({ name: "limited" });
  const client = new TollgateClient({ baseUrl, apiKey: key });
  const errors: (TollgateError | undefined)[] = [];
  for (let n = 0; n < 5; n++) errors.push(await refused(client.chat.create(chat, impatient)));
  const error = errors.at(-1)!;
  assert.ok(error.type === "RATE_LIMITED");
  assert.equal(error.limit, "key-minute");
  assert.match(error.resetAt!, /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/);
  assert.ok(error.retryAfterSeconds! >= 1);
  assert.match(describeError(error).action, /^Try again in \d+ seconds?\.$/);
  assert.equal((await client.chat.create(chat)).choices.length, 1);
});

test("a full house says so, and lets in whoever waits a moment", async () => {
  const slow = { ...chat, model: "sim-slow-20tps" };
  const streams = await Promise.all(Array.from({ length: 4 }, () => owner.chat.stream(slow, impatient)));
  const error = await refused(owner.chat.create(chat, impatient));
  assert.equal(error?.type, "OVERLOADED");
  assert.ok(error!.retryAfterSeconds! >= 1);
  const patient = owner.chat.create(chat);
  for (const stream of streams) for await (const _ of stream) break;
  assert.equal((await patient).choices.length, 1);
});

test("who guesses too often has to wait, and is told how long", async () => {
  let last: TollgateError | undefined;
  for (let n = 0; n < 100 && last?.type !== "COOLDOWN"; n++) {
    last = await refused(new TollgateClient({ baseUrl, accessToken: `guess${n}` }).auth.me(impatient));
  }
  assert.equal(last?.type, "COOLDOWN");
  assert.ok(last!.retryAfterSeconds! > 0);
  assert.equal(describeError(last).showRetry, false);
});
