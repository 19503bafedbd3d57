import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { createBudget } from "./costs/budgets.ts";
import { userNamed } from "./identity/testing.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { errors } from "./lib/errors.ts";
import { picoFromUsd } from "./lib/money.ts";
import { type DataFolder, dataFolder, type RunningApp, runApp } from "./plugin.testing.ts";
import { type GovernedRoute, tollgate } from "./plugin.ts";

const capture = {
  class: "capture",
  scope: "thoughts:write",
  operation: "capture.note",
  isAiCall: true,
} as const satisfies GovernedRoute;
const ask = { ...capture, class: "query", operation: "query.note" } as const satisfies GovernedRoute;

type Note = { readonly text: string };

/** As it was before: it knows nothing of who governs it. */
const keepNote = async ({ body }: FastifyRequest<{ Body: Note }>, reply: FastifyReply) => {
  if (body.text === "teapot") throw Object.assign(new Error("short and stout"), { statusCode: 418 });
  return reply.code(201).send({ kept: body.text });
};

const noteSchema = {
  body: { type: "object", required: ["text"], properties: { text: { type: "string" } } },
} as const;

let folder: DataFolder;
let notes: RunningApp;
before(async () => {
  folder = await dataFolder();
  await folder.look(async (db) => {
    await userNamed(db, "usr_bob", "viewer");
    for (const id of ["usr_ann", "usr_cat", "usr_dan", "usr_eve"]) await userNamed(db, id);
    const ofCat = { scope: "user", scopeId: "usr_cat", allocatedPico: picoFromUsd("0.000000001") } as const;
    await createBudget(db, { ...ofCat, period: "none" }, clock.now());
  });
  notes = await runApp(folder.settings, (app) => {
    app.post<{ Body: Note }>("/notes", { config: { tollgate: capture }, schema: noteSchema }, keepNote);
    app.get("/me", { config: { tollgate: { class: "manage", scope: "none" } } }, async ({ principal }) => {
      return { user: principal.userId };
    });
    app.post<{ Body: Note }>("/ask", { config: { tollgate: ask } }, async ({ ai, body }) => {
      const answer = await ai.generate({ messages: [{ role: "user", content: body.text }] });
      if (body.text === "then fail") throw new Error("after the call");
      return answer;
    });
    app.get("/open", async () => ({ open: true }));
    app.get("/broken", async () => {
      throw Object.assign(new Error("out of tea"), { statusCode: 409 });
    });
  });
});
after(async () => {
  await notes.app.close();
  folder[Symbol.dispose]();
});

const post = (path: string, token: string | undefined, text: string) =>
  notes.fetch(path, { method: "POST", ...(token === undefined ? {} : { token }), json: { text } });
const note = (token: string | undefined, text = "Call Anna") => post("/notes", token, text);
const errorOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string; correlationId: string } & Record<string, string> })
    .error;

test("a route that names its class and scope asks who is calling, and its handler stays as it was", async () => {
  const unknown = await note(undefined);
  assert.deepEqual([unknown.status, (await errorOf(unknown)).code], [401, "AUTH_REQUIRED"]);
  assert.equal((await errorOf(await note("token-of-nobody"))).code, "AUTH_INVALID");
  const forbidden = await note("token-of-bob");
  assert.deepEqual([forbidden.status, (await errorOf(forbidden)).code], [403, "SCOPE_MISSING"]);
  const kept = await note("token-of-ann");
  assert.deepEqual([kept.status, await kept.json()], [201, { kept: "Call Anna" }]);
  assert.match(kept.headers.get("x-correlation-id")!, /./);
  assert.equal(kept.headers.get("x-ratelimit-limit"), "20");
  const me = await notes.fetch("/me", { token: "token-of-bob" });
  assert.deepEqual(await me.json(), { user: "usr_bob" });
  assert.equal((await notes.fetch("/me", { method: "HEAD" })).status, 401);
});

test("of 25 requests at once to a class of 20 exactly 20 pass, and other users' have their own", async () => {
  const answers = await Promise.all(Array.from({ length: 25 }, () => note("token-of-dan")));
  assert.equal(answers.filter(({ status }) => status === 201).length, 20);
  const refused = answers.filter(({ status }) => status === 429);
  assert.equal(refused.length, 5);
  const { code, resetAt, correlationId } = await errorOf(refused[0]!);
  assert.equal(code, "RATE_LIMITED");
  assert.ok(Date.parse(resetAt!) > Date.now());
  assert.equal(correlationId, refused[0]!.headers.get("x-correlation-id"));
  assert.ok(Number(refused[0]!.headers.get("retry-after")) >= 1);
  assert.equal((await note("token-of-ann")).status, 201);
});

test("routes that name nothing are as they were: no credential, no header, their own errors", async () => {
  const open = await notes.fetch("/open");
  assert.deepEqual([open.status, await open.json()], [200, { open: true }]);
  assert.deepEqual(
    [...open.headers.keys()].filter((name) => !/^(content-|date|connection|keep-alive)/.test(name)),
    [],
  );
  const broken = await notes.fetch("/broken");
  assert.deepEqual([broken.status, await broken.json()], [409, { mine: "out of tea" }]);
  assert.equal(broken.headers.get("x-correlation-id"), null);
  assert.equal((await notes.fetch("/nowhere")).status, 404);
});

test("a governed route's own errors go to the app's own handler, and what they took is given back", async () => {
  const before = Number((await note("token-of-eve")).headers.get("x-ratelimit-remaining"));
  const failed = await note("token-of-eve", "teapot");
  assert.deepEqual([failed.status, await failed.json()], [418, { mine: "short and stout" }]);
  assert.equal(failed.headers.get("x-ratelimit-remaining"), String(before));
  const invalid = await notes.fetch("/notes", { method: "POST", token: "token-of-eve", json: {} });
  assert.equal(invalid.status, 400);
  assert.match(((await invalid.json()) as { mine: string }).mine, /must have required property 'text'/);
  assert.equal((await note("token-of-eve")).headers.get("x-ratelimit-remaining"), String(before - 1));
});

test("an AI call is on the ledger before its answer is there, under the route's name and in its caller's", async () => {
  const answer = await post("/ask", "token-of-ann", "What is a toll?");
  const { text, costUsd, provider, callId } = (await answer.json()) as Record<string, string>;
  assert.deepEqual([text, provider], ["What is a toll?", "simulated"]);
  assert.match(costUsd!, /^0\.0\d+$/);
  assert.match(await notes.app.tollgate.metrics(), /tollgate_calls_total\{[^}]*simulated[^}]*\} \d/);
  assert.equal((await post("/ask", "token-of-ann", "then fail")).status, 500);
  calls.push(callId!);
});
/** What the last test finds on the ledger. */
const calls: string[] = [];

test("a call that its budget does not hold is refused with 402, and took nothing", async () => {
  const refused = await post("/ask", "token-of-cat", "What is a toll?");
  const { code, scope, period } = await errorOf(refused);
  assert.deepEqual([refused.status, code, scope, period], [402, "BUDGET_EXCEEDED", "user", "none"]);
  assert.match(refused.headers.get("ratelimit")!, /"query-window";r=30/);
});

test("a call that was made counts, whatever the handler does after it", async () => {
  const first = Number((await post("/ask", "token-of-eve", "Hello")).headers.get("x-ratelimit-remaining"));
  const failed = await post("/ask", "token-of-eve", "then fail");
  assert.deepEqual([failed.status, await failed.json()], [500, { mine: "after the call" }]);
  assert.equal(failed.headers.get("x-ratelimit-remaining"), String(first - 1));
});

test("an app that is closed leaves its ledger whole, and its folder to the next", async () => {
  assert.equal((await notes.app.tollgate.readiness()).ready, true);
  await notes.app.close();
  assert.equal((await notes.app.tollgate.readiness().catch(() => ({ ready: false }))).ready, false);
  const rows = await folder.look((db) => db.selectFrom("prompt_runs").selectAll().execute());
  const row = rows.find(({ id }) => id === calls[0]);
  assert.deepEqual(
    [row?.user_id, row?.operation, row?.endpoint_class, row?.outcome],
    ["usr_ann", "query.note", "query", "completed"],
  );
  assert.equal(await folder.look((db) => openReservations(db)), 0);
});

const openReservations = async (db: Parameters<Parameters<DataFolder["look"]>[0]>[0]) =>
  (await db.selectFrom("reservations").select("id").execute()).length;

test("two apps in one process know nothing of each other", async () => {
  using one = await dataFolder();
  using two = await dataFolder();
  const addRoutes = (app: RunningApp["app"]) => {
    app.get("/me", { config: { tollgate: { class: "manage", scope: "none" } } }, async ({ principal }) => {
      return principal.userId;
    });
  };
  await using first = await runApp({ ...one.settings, APP_AUTH_TOKEN_USER_MAP: "one:usr_ann" }, addRoutes);
  await using second = await runApp({ ...two.settings, APP_AUTH_TOKEN_USER_MAP: "two:usr_bob" }, addRoutes);
  assert.equal(await (await first.fetch("/me", { token: "one" })).text(), "usr_ann");
  assert.equal((await first.fetch("/me", { token: "two" })).status, 401);
  assert.equal(await (await second.fetch("/me", { token: "two" })).text(), "usr_bob");
  await first.app.close();
  assert.equal((await second.fetch("/me", { token: "two" })).status, 200);
});

test("a route that is there before the plugin lets nobody in, and the log says why", async () => {
  using other = await dataFolder();
  const lines: string[] = [];
  const app = fastify({
    pluginTimeout: 60_000,
    logger: { level: "error", stream: { write: (line) => void lines.push(line) } },
  });
  let wasCalled = false;
  const handler = async () => {
    wasCalled = true;
  };
  app.get("/early", { config: { tollgate: { class: "manage", scope: "none" } } }, handler);
  await app.register(async (part) => {
    part.get("/apart", { config: { tollgate: { class: "manage", scope: "none" } } }, handler);
  });
  await app.register(tollgate, { settings: other.settings, logger: app.log });
  for (const url of ["/early", "/apart"]) {
    const refused = await app.inject({ url, headers: { authorization: "token-of-ann" } });
    const { code, message } = refused.json().error;
    assert.deepEqual([refused.statusCode, code], [500, "INTERNAL"]);
    assert.equal(message, errors.INTERNAL.message);
    assert.match(
      lines.pop()!,
      new RegExp(`the route GET ${url} is not governed: .* before the plugin was there`),
    );
  }
  assert.equal(wasCalled, false);
  await app.close();
});

test("the principal and the models are for governed routes alone", async () => {
  using other = await dataFolder();
  await using running = await runApp(other.settings, (app) => {
    app.get("/who", async ({ principal }) => principal.userId);
    app.get("/ask", { config: { tollgate: { class: "manage", scope: "none" } } }, async ({ ai }) =>
      ai.generate({ messages: [] }),
    );
  });
  const who = await running.fetch("/who");
  assert.match(((await who.json()) as { mine: string }).mine, /nobody was identified/);
  const asked = await running.fetch("/ask", { token: "token-of-ann" });
  assert.match(((await asked.json()) as { mine: string }).mine, /no model may be asked/);
});

test("a part of an app may have an error handler of its own, and refusals are still ours", async () => {
  using other = await dataFolder();
  await using running = await runApp(other.settings, async (app) => {
    await app.register(async (part) => {
      part.setErrorHandler((error, _request, reply) => reply.code(503).send({ part: String(error) }));
      part.get("/part", { config: { tollgate: { class: "manage", scope: "none" } } }, async () => {
        throw new Error("mine");
      });
    });
  });
  assert.equal((await errorOf(await running.fetch("/part"))).code, "AUTH_REQUIRED");
  const failed = await running.fetch("/part", { token: "token-of-ann" });
  assert.deepEqual([failed.status, await failed.json()], [503, { part: "Error: mine" }]);
});

test("an app's own hooks and handlers see every answer once", async () => {
  using other = await dataFolder();
  const seen: string[] = [];
  const warnings: string[] = [];
  const app = fastify({
    pluginTimeout: 60_000,
    logger: { level: "warn", stream: { write: (line) => void warnings.push(line) } },
  });
  app.addHook("onSend", async (request, reply, payload) => {
    await Promise.resolve();
    seen.push(`${request.url} ${reply.statusCode}`);
    return payload;
  });
  await app.register(tollgate, { settings: other.settings });
  app.get(
    "/own",
    {
      config: { tollgate: capture },
      errorHandler: (_error, _request, reply) => {
        reply.code(422).send("own");
      },
    },
    async () => {
      throw new Error("mine");
    },
  );
  app.get("/later", { config: { tollgate: capture } }, (_request, reply) => {
    setImmediate(() => reply.send("later"));
  });
  const headers = { authorization: "token-of-ann" };
  const ask = (url: string) => app.inject({ url, headers: { authorization: "Bearer token-of-ann" } });
  assert.equal((await app.inject({ url: "/own" })).statusCode, 401);
  assert.equal((await app.inject({ url: "/own", headers })).statusCode, 401);
  assert.equal((await ask("/own")).body, "own");
  assert.equal((await ask("/later")).body, "later");
  assert.deepEqual(seen, ["/own 401", "/own 401", "/own 422", "/later 200"]);
  assert.deepEqual(warnings, []);
  await app.close();
});
