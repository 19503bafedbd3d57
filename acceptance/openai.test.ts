import assert from "node:assert/strict";
import { after, test } from "node:test";
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from "openai";
import { until } from "../gateway/src/lib/until.testing.ts";
import { keyWithBudget, startBooked } from "./booked.ts";
import { type Caller, caller } from "./caller.ts";
import { raised } from "./clients.ts";
import { readEmbeddedBooks } from "./ledger.ts";
import { billedPico, dear, picoOf } from "./upstream.ts";

/** Static tokens have no key bucket, so only the tests about limits meet one. */
const booked = await startBooked(
  (upstream) => ({ ...upstream.env, KEY_RATE_LIMIT_PER_MINUTE: "60", KEY_RATE_LIMIT_BURST: "3" }),
  "aliases:\n  fast: openai/gpt-5.1\n",
);
const { home, upstream, server, servedDuring } = booked;
after(() => booked[Symbol.asyncDispose]());

const messages = [{ role: "user", content: "Tell me about tolls, gates and the people at them." }] as const;

type Client = {
  readonly openai: OpenAI;
  /** How many requests it has sent. */
  requests(): number;
};

function client(apiKey: string, maxRetries = 0): Client {
  let requests = 0;
  const openai = new OpenAI({
    apiKey,
    baseURL: `${server.url}/v1`,
    maxRetries,
    logLevel: "off",
    fetch: (input, init) => {
      requests++;
      return fetch(input, init);
    },
  });
  return { openai, requests: () => requests };
}

/** A user who has not called before, with the official client and with plain HTTP. */
function newUser(): Client & { readonly http: Caller } {
  const token = booked.newToken();
  return { ...client(token), http: caller(server.url, token) };
}

async function issueKey(...options: string[]): Promise<string> {
  const { key } = await server.ask<{ key: string }>("keys", "issue", "--name", "test", ...options);
  return key;
}

test("a whole answer arrives and costs what the upstream billed", async () => {
  const { openai, http } = newUser();
  const served = await servedDuring(async () => {
    const answer = await openai.chat.completions.create({ model: "gpt-5.1", messages: [...messages] });
    assert.equal(answer.choices[0]?.message.content, messages[0].content);
    assert.ok(answer.usage!.total_tokens > 0);
  });
  assert.equal(served.length, 1);
  await costs(http, billedPico(served, dear));
});

test("a stream arrives in pieces, without a usage that nobody asked for", async () => {
  const { openai, http } = newUser();
  const served = await servedDuring(async () => {
    const stream = await openai.chat.completions.create({
      model: "openai/gpt-5.1",
      messages: [...messages],
      stream: true,
    });
    let text = "";
    let pieces = 0;
    for await (const chunk of stream) {
      assert.ok(chunk.choices.length > 0, "no usage event");
      text += chunk.choices[0]?.delta.content ?? "";
      pieces++;
    }
    assert.equal(text, messages[0].content);
    assert.ok(pieces > 5);
  });
  await costs(http, billedPico(served));
});

test("a stream with include_usage ends with the usage that is billed", async () => {
  const { openai, http } = newUser();
  const stream = await openai.chat.completions.create({
    model: "fast",
    messages: [...messages],
    stream: true,
    stream_options: { include_usage: true },
  });
  let usage: OpenAI.CompletionUsage | null | undefined;
  for await (const chunk of stream) usage = chunk.usage;
  assert.ok(usage);
  const { input_tokens, output_tokens } = await http.costs();
  assert.deepEqual([input_tokens, output_tokens], [usage.prompt_tokens, usage.completion_tokens]);
});

test("an aborted stream closes its connection upstream and is billed for what was sent", async () => {
  const { openai, http } = newUser();
  const abort = new AbortController();
  const model = "sim-slow-31tps";
  const stream = await openai.chat.completions.create(
    { model, messages: [...messages], stream: true },
    { signal: abort.signal },
  );
  let seen = 0;
  for await (const _ of stream) {
    seen++;
    if (seen === 5) abort.abort();
  }
  await until(() => upstream.calls.some((call) => call.model === model), { limitMs: 2_000 });
  const served = upstream.calls.find((call) => call.model === model)!;
  assert.ok(served.aborted);
  assert.ok(served.outputTokens < 40, `the upstream wrote ${served.outputTokens} tokens to nobody`);
  await until(async () => (await http.costs()).calls === 1);
  const { estimated_cost_usd, estimated_share } = await http.costs();
  assert.ok(Number(estimated_cost_usd) > 0);
  assert.equal(estimated_share, 1);
});

test("an abort before the answer begins frees the upstream too", async () => {
  const { openai, http } = newUser();
  const abort = new AbortController();
  const model = "sim-delay-61000ms";
  const asked = openai.chat.completions.create({ model, messages: [...messages] }, { signal: abort.signal });
  await until(async () => /^tollgate_calls_in_flight.* 1$/m.test(await (await http.get("/metrics")).text()));
  abort.abort();
  await assert.rejects(asked, OpenAI.APIUserAbortError);
  await until(() => upstream.calls.some((call) => call.model === model && call.aborted), { limitMs: 2_000 });
  await until(async () => (await http.costs()).calls === 1);
});

test("a credential that proves nothing raises AuthenticationError, once", async () => {
  for (const key of ["sk-nobody", "no-such-token"]) {
    const { openai, requests } = client(key, 3);
    const error = await raised(openai.models.list(), AuthenticationError);
    assert.equal(error.status, 401);
    assert.equal(error.code, "AUTH_INVALID");
    assert.equal(requests(), 1);
  }
});

test("a key without the scope raises PermissionDeniedError that names it", async () => {
  const { openai } = client(await issueKey("--scopes", "costs:read"));
  const error = await raised(
    openai.chat.completions.create({ model: "gpt-5.1", messages: [...messages] }),
    PermissionDeniedError,
  );
  assert.equal(error.code, "SCOPE_MISSING");
  assert.equal((error.error as { requiredScope: string }).requiredScope, "inference:write");
});

test("a rate limit raises RateLimitError, and the client that retries waits for its turn", async () => {
  const key = await issueKey();
  const impatient = client(key);
  const ask = ({ openai }: Client) =>
    openai.chat.completions.create({ model: "sim-words-3", messages: [...messages] });
  const served = await servedDuring(async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => ask(impatient)));
    const refusals = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
    assert.equal(refusals.length, 5);
    for (const refusal of refusals) {
      assert.ok(refusal instanceof RateLimitError);
      assert.equal(refusal.code, "RATE_LIMITED");
      assert.equal(refusal.headers.get("x-should-retry"), "true");
      assert.match((refusal.error as { resetAt: string }).resetAt, /^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/);
    }
  });
  assert.equal(served.length, 3);

  const patient = client(key, 2);
  assert.equal((await servedDuring(() => ask(patient))).length, 1);
  assert.equal(patient.requests(), 2);
});

test("a used-up daily quota raises RateLimitError that is not retried", async () => {
  const { openai, requests } = client(await issueKey("--daily-quota", "2"), 5);
  const ask = () => openai.chat.completions.create({ model: "sim-words-4", messages: [...messages] });
  const served = await servedDuring(async () => {
    await ask();
    await ask();
    const error = await raised(ask(), RateLimitError);
    assert.equal(error.code, "QUOTA_EXCEEDED");
    assert.match((error.error as { resetAt: string }).resetAt, /T00:00:00\.000Z$/);
  });
  assert.equal(served.length, 2);
  assert.equal(requests(), 3);
});

test("a budget that does not hold the call answers 402, once, and the upstream hears nothing", async () => {
  const { key } = await keyWithBudget(server, "0.001");
  const { openai, requests } = client(key, 5);
  const served = await servedDuring(async () => {
    const error = await raised(
      openai.chat.completions.create({ model: "gpt-5.1", messages: [...messages] }),
      APIError,
    );
    assert.equal(error.status, 402);
    assert.equal(error.code, "BUDGET_EXCEEDED");
  });
  assert.equal(served.length, 0);
  assert.equal(requests(), 1);
});

test("an unknown model raises NotFoundError", async () => {
  const { openai, http } = newUser();
  const error = await raised(
    openai.chat.completions.create({ model: "anthropic/claude-sonnet-4", messages: [...messages] }),
    NotFoundError,
  );
  assert.equal(error.code, "MODEL_NOT_FOUND");
  assert.equal(error.param, "model");
  assert.equal((await http.costs()).calls, 0);
});

test("a request that cannot be right raises BadRequestError that names the field", async () => {
  const { openai } = newUser();
  const error = await raised(
    openai.chat.completions.create({ model: "gpt-5.1", messages: [], max_tokens: -1 }),
    BadRequestError,
  );
  assert.equal(error.code, "VALIDATION_FAILED");
  assert.equal(error.param, "messages");
  const { details } = error.error as { details: { path: string }[] };
  assert.deepEqual(
    details.map(({ path }) => path),
    ["messages", "max_tokens"],
  );
});

test("the models are listed and each can be retrieved", async () => {
  const { openai } = newUser();
  const listed = await openai.models.list();
  const ids = listed.data.map(({ id }) => id);
  assert.ok(ids.includes("fast"));
  assert.ok(ids.includes("openai/gpt-5.1"));
  for (const id of ids) assert.equal((await openai.models.retrieve(id)).id, id);
  await raised(openai.models.retrieve("openai/none"), NotFoundError);
});

for (const { model, kind, status, code, message } of [
  { model: "sim-429-3s", kind: RateLimitError, status: 429, code: "PROVIDER_RATE_LIMITED" },
  { model: "sim-500", kind: InternalServerError, status: 502, code: "PROVIDER_FAILED" },
  { model: "sim-529", kind: InternalServerError, status: 502, code: "PROVIDER_FAILED" },
  { model: "sim-401", kind: InternalServerError, status: 502, code: "PROVIDER_FAILED" },
  {
    model: "sim-400",
    kind: BadRequestError,
    status: 400,
    code: "PROVIDER_REJECTED",
    message: "Invalid value.",
  },
  { model: "sim-404", kind: NotFoundError, status: 404, code: "PROVIDER_REJECTED" },
  { model: "sim-error-midstream", kind: InternalServerError, status: 502, code: "PROVIDER_FAILED" },
] as const) {
  test(`${model} is told as ${status} ${code} and costs nothing`, async () => {
    for (const stream of model === "sim-error-midstream" ? [false] : [false, true]) {
      const { openai, http } = newUser();
      const error = await raised(
        openai.chat.completions.create({ model, messages: [...messages], stream }),
        kind,
      );
      assert.equal(error.status, status);
      assert.equal(error.code, code);
      if (message !== undefined) assert.ok(error.message.includes(message));
      if (model === "sim-429-3s") assert.equal(error.headers.get("retry-after"), "3");
      await costs(http, 0n);
    }
  });
}

for (const model of ["sim-cut-40of60", "sim-badjson", "sim-html-200", "sim-empty"]) {
  test(`${model} as a whole answer is told as a failure of the provider`, async () => {
    const { openai, http } = newUser();
    const error = await raised(
      openai.chat.completions.create({ model, messages: [...messages] }),
      InternalServerError,
    );
    assert.equal(error.status, 502);
    assert.equal(error.code, "PROVIDER_FAILED");
    assert.equal((await http.costs()).calls, 1);
  });
}

for (const model of ["sim-cut-40of60", "sim-badjson", "sim-html-200", "sim-empty", "sim-error-midstream"]) {
  test(`${model} as a stream is an error to the client, never a clean end`, async () => {
    const { openai, http } = newUser();
    const readAll = async () => {
      const stream = await openai.chat.completions.create({ model, messages: [...messages], stream: true });
      for await (const _ of stream);
    };
    await assert.rejects(readAll());
    await until(async () => (await http.costs()).calls === 1);
  });
}

test("a stream that breaks is billed for what was sent", async () => {
  const { openai, http } = newUser();
  const model = "sim-cut-41of60";
  const served = await servedDuring(async () => {
    const stream = await openai.chat.completions.create({ model, messages: [...messages], stream: true });
    await assert.rejects(async () => {
      for await (const _ of stream);
    }, APIError);
  });
  assert.equal(served[0]?.outputTokens, 41);
  const { estimated_cost_usd, estimated_share } = await http.costs();
  assert.equal(estimated_share, 1);
  assert.ok(Number(estimated_cost_usd) >= Number(billedPico(served)) / 1e12);
});

test("a provider that reports no usage answers all the same, and the cost is an estimate", async () => {
  for (const stream of [false, true]) {
    const { openai, http } = newUser();
    const body = { model: "sim-no-usage", messages: [...messages] };
    if (stream) {
      for await (const _ of await openai.chat.completions.create({ ...body, stream }));
    } else {
      const answer = await openai.chat.completions.create(body);
      assert.equal(answer.usage, undefined);
    }
    const { calls, estimated_share, estimated_cost_usd, input_tokens } = await http.costs();
    assert.deepEqual([calls, estimated_share, input_tokens], [1, 1, 0]);
    assert.ok(Number(estimated_cost_usd) > 0);
  }
});

test("cached input is charged at its own rate and once", async () => {
  for (const stream of [false, true]) {
    const { openai, http } = newUser();
    const body = { model: "sim-cached-90", messages: [...messages] };
    const served = await servedDuring(async () => {
      if (stream) for await (const _ of await openai.chat.completions.create({ ...body, stream }));
      else await openai.chat.completions.create(body);
    });
    assert.ok(served[0]!.cachedTokens > 10);
    await costs(http, billedPico(served));
    assert.equal((await http.costs()).cached_input_tokens, served[0]!.cachedTokens);
  }
});

test("everything that reached the upstream is on the ledger, as it ended", async () => {
  assert.equal(await server.stop(), 0);
  const { ledger, reservations } = await readEmbeddedBooks(home);
  assert.deepEqual(reservations, []);
  const names = (rows: readonly { readonly model: string }[]) => rows.map(({ model }) => model).sort();
  assert.deepEqual(names(ledger), names(upstream.calls));
  const outcomeOf = (model: string) =>
    ledger.filter((row) => row.model === model).map(({ outcome }) => outcome);
  assert.deepEqual(outcomeOf("sim-slow-31tps"), ["aborted"]);
  assert.deepEqual(outcomeOf("sim-delay-61000ms"), ["aborted"]);
  assert.deepEqual(outcomeOf("sim-cut-41of60"), ["cut"]);
  assert.deepEqual(outcomeOf("sim-500"), ["failed", "failed"]);
  const unreported = ledger.filter(({ model }) => model === "sim-no-usage");
  for (const row of unreported) {
    assert.equal(row.usage_source, "estimated");
    assert.deepEqual([row.input_tokens, row.output_tokens], [null, null]);
  }
});

/** The user's costs of today are exactly this. */
async function costs(http: Caller, pico: bigint): Promise<void> {
  await until(async () => (await http.costs()).calls === 1);
  const { estimated_cost_usd } = await http.costs();
  assert.equal(picoOf(estimated_cost_usd), pico);
}
