import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startTollgate } from "../../acceptance/server.ts";
import { until } from "../../gateway/src/lib/until.testing.ts";
import {
  describeError,
  type LiveEvent,
  parseTollgateError,
  type Tokens,
  TollgateClient,
  TollgateError,
} from "./index.ts";

const server = await startTollgate({
  env: {
    KEY_RATE_LIMIT_PER_MINUTE: "",
    IP_RATE_LIMIT_PER_MINUTE: "",
    ABUSE_MODE: "off",
    ASSIST_API_KEYS: "assist-key",
    BREAKER_FAILURE_THRESHOLD: "1000",
    OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
  },
});
after(() => server[Symbol.asyncDispose]());

const baseUrl = server.url;
const password = "password123";
const messages = [{ role: "user", content: "Tell me about tolls." }];
let people = 0;

/** Somebody who has just registered and signed in. */
async function newcomer(options: object = {}) {
  people += 1;
  const account = { email: `client${people}@example.com`, name: `Client ${people}`, password };
  const client = new TollgateClient({ baseUrl, ...options });
  await client.auth.register(account);
  const user = await client.auth.login({ email: account.email, password });
  return { client, user, account };
}

async function keyed(options: object = {}) {
  const { client } = await newcomer();
  const issued = await client.keys.create({ name: "test", ...options });
  return { owner: client, issued, client: new TollgateClient({ baseUrl, apiKey: issued.key }) };
}

function raised(work: PromiseLike<unknown>): Promise<TollgateError> {
  return Promise.resolve(work).then(
    (value) => assert.fail(`no error, but ${JSON.stringify(value)}`),
    (error: unknown) => {
      assert.ok(error instanceof TollgateError, String(error));
      return error;
    },
  );
}

test("somebody registers, signs in, makes a project and a key, and asks with it", async () => {
  const { client, user } = await newcomer();
  assert.equal((await client.auth.me()).id, user.id);
  const project = await client.projects.create({ name: "Bridge", budget_allocated: 100 });
  const issued = await client.keys.create({ name: "app", project_id: project.id });
  const app = new TollgateClient({ baseUrl, apiKey: issued.key });
  const answer = await app.chat.create({ model: "sim-echo", messages });
  assert.equal(answer.choices[0]?.message.content, "Tell me about tolls.");
  await until(async () => (await client.costs.ofProject(project.id)).total_calls === 1);
  assert.equal((await client.budgets.ofProject(project.id)).budget_allocated, 100);
});

test("a wrong password is a sign-in that failed, and leaves the session as it is", async () => {
  const { client, account } = await newcomer();
  const { session } = client;
  const wrong = { email: account.email, password: "wrong password" };
  const error = await raised(client.auth.login(wrong));
  assert.deepEqual([error.type, error.operation], ["AUTH_INVALID", "POST /auth/login"]);
  const { title, showRetry } = describeError(error);
  assert.deepEqual([title, showRetry, client.session], ["Sign In Failed", false, session]);
});

test("an answer knows its correlation id, and shows its headers on request", async () => {
  const { client } = await keyed();
  const call = client.chat.create({ model: "sim-echo", messages });
  const { data, response, correlationId } = await call.withResponse();
  assert.match(correlationId!, /^req_/);
  assert.equal(data.correlationId, correlationId);
  assert.equal((await call).correlationId, correlationId);
  assert.equal(response.headers.get("x-tollgate-simulated"), "true");
  assert.ok(!JSON.stringify(data).includes(correlationId!));
});

test("a streamed answer arrives piece by piece, to two readers as well", async () => {
  const { client } = await keyed();
  const read = async (
    stream: AsyncIterable<{ readonly choices: readonly { delta: { content?: string | null } }[] }>,
  ) => {
    let text = "";
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
    return text;
  };
  const stream = await client.chat.stream({ model: "sim-echo", messages });
  assert.equal(await read(stream), "Tell me about tolls.");
  const [one, other] = (await client.chat.stream({ model: "sim-echo", messages })).tee();
  assert.deepEqual(await Promise.all([read(one), read(other)]), Array(2).fill("Tell me about tolls."));
});

test("the other formats answer too, whole and streamed", async () => {
  const { client } = await keyed();
  const embedded = await client.embeddings.create({ model: "sim-echo", input: "toll" });
  assert.equal(embedded.data.length, 1);
  const message = await client.messages.create({ model: "sim-echo", messages, max_tokens: 100 });
  assert.equal(message.content[0]?.text, "Tell me about tolls.");
  const counted = await client.messages.countTokens({ model: "sim-echo", messages });
  assert.ok(counted.input_tokens > 0);
  const response = await client.responses.create({ model: "sim-echo", input: "Hello" });
  assert.equal(response.status, "completed");
  const types = new Set<string>();
  const asked = { model: "sim-echo", messages, max_tokens: 100 };
  for await (const { type } of await client.messages.stream(asked)) types.add(type);
  for await (const { type } of await client.responses.stream({ model: "sim-echo", input: "Hi" }))
    types.add(type);
  for (const type of ["message_stop", "response.completed"]) assert.ok(types.has(type), type);
  assert.equal((await client.decide({ model: "sim-echo", messages })).allowed, true);
  assert.ok((await client.models.list()).data.length > 0);
});

test("a person in an app with a key asks the assistant, and a person keeps thoughts", async () => {
  const { client } = await newcomer({ appKey: "assist-key" });
  const question = { items: [{ itemId: "123", title: "Test" }], message: "Hello" };
  const reply = await client.assist.chat(question);
  assert.equal(typeof reply.reply, "string");
  assert.match(reply.correlationId, /^req_/);
  const stranger = new TollgateClient({ baseUrl, appKey: "assist-key" });
  assert.equal(describeError(await raised(stranger.assist.chat(question))).title, "Sign In Required");
  const expired = new TollgateClient({ baseUrl, appKey: "assist-key", accessToken: "invalid-token-xyz" });
  assert.equal(describeError(await raised(expired.assist.chat(question))).title, "Session Expired");

  const { client: writer } = await newcomer();
  const { thought } = await writer.thoughts.capture({ text: "Call Anna on Friday" });
  const [kept] = (await writer.thoughts.list()).items;
  assert.equal(kept?.id, thought.id);
});

test("leaving a stream ends the call", async () => {
  const { client, owner } = await keyed();
  const stream = await client.chat.stream({ model: "sim-slow-20tps", messages });
  let chunks = 0;
  for await (const _ of stream) if (++chunks === 3) break;
  const left = await client.chat.stream({ model: "sim-slow-20tps", messages });
  left.abort();
  for await (const _ of left) assert.fail("it was aborted");
  await until(async () => (await owner.costs.daily()).totals.calls === 2);
});

test("a signal ends a call, whole or streamed, with the signal's reason", async () => {
  const { client } = await keyed();
  const reason = new Error("changed my mind");
  const body = { model: "sim-slow-20tps", messages };
  const controller = new AbortController();
  const whole = client.chat.create(body, { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(whole, (error) => error === reason);
  const other = new AbortController();
  const stream = await client.chat.stream(body, { signal: other.signal });
  await assert.rejects(
    async () => {
      for await (const _ of stream) other.abort(reason);
    },
    (error) => error === reason,
  );
});

test("an answer that is not in time is a time-out, and a server that is not there is unreachable", async () => {
  const { client } = await keyed();
  const late = await raised(client.chat.create({ model: "sim-timeout", messages }, { timeoutMs: 300 }));
  assert.equal(late.type, "NETWORK_TIMEOUT");
  const nowhere = new TollgateClient({ baseUrl: "http://127.0.0.1:9", maxRetries: 0 });
  assert.equal((await raised(nowhere.auth.me())).type, "NETWORK_UNREACHABLE");
});

test("each refusal is an error of its own type", async () => {
  const { client, owner, issued } = await keyed();
  const chat = (by: TollgateClient, model = "sim-echo") =>
    raised(by.chat.create({ model, messages }, { maxRetries: 0 }));
  const required = await raised(new TollgateClient({ baseUrl }).auth.me());
  assert.deepEqual([required.type, required.status], ["AUTH_REQUIRED", 401]);
  assert.equal(describeError(required).title, "Sign In Required");
  assert.equal(
    (await raised(new TollgateClient({ baseUrl, accessToken: "nobody" }).auth.me())).type,
    "AUTH_INVALID",
  );

  const { client: narrow } = await keyed({ scopes: ["costs:read"] });
  const missing = await chat(narrow);
  assert.ok(missing.type === "SCOPE_MISSING");
  assert.equal(missing.requiredScope, "inference:write");
  assert.equal((await raised(owner.users.list())).type, "SCOPE_MISSING");

  const { client: spent } = await keyed({ daily_quota: 1 });
  await spent.chat.create({ model: "sim-echo", messages });
  const quota = await chat(spent);
  assert.equal(quota.type, "QUOTA_EXCEEDED");
  assert.ok(quota.retryAfterSeconds! > 0 && quota.retryAfterSeconds! <= 86_400);

  const project = await owner.projects.create({ name: "Poor", budget_allocated: "0.000001" });
  const { key } = await owner.keys.create({ name: "poor", project_id: project.id });
  const poor = await chat(new TollgateClient({ baseUrl, apiKey: key }));
  assert.ok(poor.type === "BUDGET_EXCEEDED");
  assert.equal(describeError(poor).showRetry, false);

  const invalid = await raised(owner.projects.create({ name: "" }));
  assert.ok(invalid.type === "VALIDATION_FAILED");
  assert.equal(invalid.details[0]?.path, "name");
  assert.equal((await raised(owner.projects.get(999_999))).type, "NOT_FOUND");
  const { account } = await newcomer();
  assert.equal((await raised(owner.auth.register(account))).type, "CONFLICT");
  assert.equal((await chat(client, "sim-500")).type, "PROVIDER_UNAVAILABLE");
  const limited = await chat(client, "sim-429-3s");
  assert.equal(limited.type, "RATE_LIMITED");
  assert.equal(describeError(limited).action, "Try again in 3 seconds.");
  for (const error of [required, missing, quota, poor, invalid, limited])
    assert.match(error.correlationId!, /^req_/);
  await owner.keys.revoke(issued.id);
  assert.equal((await chat(client)).type, "AUTH_INVALID");
});

test("a stream that breaks is an error, never an end", async () => {
  const { client } = await keyed();
  for (const model of ["sim-cut-40of60", "sim-error-midstream"]) {
    const error = await raised(
      (async () => {
        for await (const _ of await client.chat.stream({ model, messages }));
      })(),
    );
    assert.equal(error.type, "PROVIDER_UNAVAILABLE", model);
    const stream = await client.messages.stream({ model, messages, max_tokens: 90 }).withResponse();
    const told = await raised(
      (async () => {
        for await (const _ of stream.data);
      })(),
    );
    assert.equal(told.type, "PROVIDER_UNAVAILABLE", model);
  }
});

test("a call that fails for a moment is repeated", async () => {
  const { client } = await keyed();
  const answer = await client.chat.create({
    model: "sim-500-n2",
    messages: [{ role: "user", content: "Once more" }],
  });
  assert.equal(answer.choices[0]?.message.content, "Once more");
});

test("many requests at once trade an expired session once, and all are answered", async () => {
  const stored: (Tokens | undefined)[] = [];
  const { client } = await newcomer({ onSession: (tokens: Tokens | undefined) => void stored.push(tokens) });
  const { refreshToken } = client.session!;
  const session = { accessToken: "expired", refreshToken, expiresAt: Date.now() + 60_000 };
  const later = new TollgateClient({ baseUrl, session, onSession: (tokens) => void stored.push(tokens) });
  const users = await Promise.all(Array.from({ length: 20 }, () => later.auth.me()));
  assert.equal(new Set(users.map(({ id }) => id)).size, 1);
  assert.equal(stored.length, 2);
  assert.notEqual(later.session!.refreshToken, refreshToken);
  assert.deepEqual(stored[1], later.session);
});

test("a session that was ended elsewhere is gone, and its owner is told", async () => {
  const { client } = await newcomer();
  let told: Tokens | undefined | "nothing" = "nothing";
  const copy = new TollgateClient({
    baseUrl,
    session: client.session!,
    onSession: (tokens) => {
      told = tokens;
    },
  });
  await client.auth.logout();
  assert.equal(client.session, undefined);
  assert.equal((await raised(copy.auth.me())).type, "AUTH_INVALID");
  assert.equal(told, undefined);
  assert.equal((await raised(copy.auth.me())).type, "AUTH_REQUIRED");
});

test("a list is read page by page as it is needed", async () => {
  const { client } = await newcomer();
  for (let n = 0; n < 7; n++) await client.keys.create({ name: `key ${n}` });
  const first = await client.keys.list({ limit: 3 });
  assert.equal(first.items.length, 3);
  const names: string[] = [];
  for await (const { name } of client.keys.list({ limit: 3 })) names.push(name);
  assert.equal(new Set(names).size, 7);
  let pages = 0;
  for await (const _ of client.keys.list({ limit: 3 }).pages()) pages += 1;
  assert.equal(pages, 3);
});

test("a job that is sent twice is one job", async () => {
  const { client } = await newcomer();
  const project = await client.projects.create({ name: "Works" });
  const wanted = { project_id: project.id, type: "implement_feature", payload: { task: "Build a gate" } };
  const keyed = { ...wanted, idempotency_key: "gate" };
  const [one, other] = [await client.jobs.create(keyed), await client.jobs.create(keyed)];
  assert.equal(one.id, other.id);
  assert.notEqual((await client.jobs.create(wanted)).id, one.id);
  await until(async () => (await client.jobs.get(one.id)).status === "completed");
});

for (const [name, options] of [
  ["a WebSocket", {}],
  ["server-sent events", { WebSocket: null }],
] as const) {
  test(`events arrive over ${name}, and go on from the last one that was seen`, async () => {
    const { client } = await newcomer(options);
    const project = await client.projects.create({ name: "Watched" });
    const controller = new AbortController();
    const seen: LiveEvent[] = [];
    const watch = async (since: string | undefined, until: string) => {
      for await (const event of client.events({ since, signal: controller.signal })) {
        seen.push(event);
        if (event.type === "ready" && since === undefined) await makeJob();
        if (event.type === "job.updated" && event.data.status === until) return event.id!;
      }
      return assert.fail("the events ended");
    };
    const makeJob = () =>
      client.jobs.create({ project_id: project.id, type: "implement_feature", payload: { task: "Look" } });
    const last = await watch(undefined, "completed");
    await makeJob();
    await watch(last, "completed");
    const ids = seen.flatMap(({ id }) => id ?? []);
    assert.equal(new Set(ids).size, ids.length);
    const ready = seen.filter(({ type }) => type === "ready");
    assert.deepEqual(
      ready.map(({ data }) => data.snapshot_needed),
      [true, false],
    );
  });

  test(`events over ${name} end with an error for whoever may not hear them`, async () => {
    const client = new TollgateClient({ baseUrl, accessToken: "nobody", ...options });
    const error = await raised(client.events().next());
    assert.equal(error.type, "AUTH_INVALID");
  });
}

test("an error that was answered to anybody can be read from its response", async () => {
  const error = await parseTollgateError(await fetch(`${baseUrl}/auth/me`));
  assert.deepEqual([error.type, error.status], ["AUTH_REQUIRED", 401]);
});
