import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { z } from "zod";
import { userNamed } from "./identity/testing.ts";
import { TollgateError } from "./lib/errors.ts";
import { until } from "./lib/until.testing.ts";
import { type DataFolder, dataFolder, type RunningApp, runApp } from "./plugin.testing.ts";
import type { AiEnd, GovernedRoute } from "./plugin.ts";

const governed = { class: "query", scope: "thoughts:read", isAiCall: true } as const satisfies GovernedRoute;
const oneAtATime = "plans: { default: { limits: { calls_in_flight: 1, tokens_per_minute: 1000 } } }\n";
const hello = [{ role: "user", content: "Hello there" }] as const;

type Asked = { Querystring: { model: string } };

let folder: DataFolder;
let app: RunningApp;
const ends: (AiEnd | unknown)[] = [];
before(async () => {
  folder = await dataFolder(oneAtATime);
  await folder.look((db) => userNamed(db, "usr_ann"));
  app = await runApp(folder.settings, (server) => {
    const config = { tollgate: governed };
    server.get<Asked>("/stream", { config }, async ({ ai, query: { model } }, reply) => {
      async function* text() {
        try {
          ends.push(yield* ai.stream({ messages: hello, model }));
        } catch (error) {
          ends.push(error);
          throw error;
        }
      }
      return reply.type("text/plain").send(Readable.from(text()));
    });
    server.get("/json", { config }, async ({ ai }) => {
      const schema = z.object({ title: z.string(), count: z.number() });
      const { json, text } = await ai.generate({ messages: hello, model: "sim-echo", schema });
      const other = await ai.generate({ messages: hello, model: "sim-words-3", schema });
      return { json, text, other: other.json ?? "does not fit" };
    });
    server.get("/slow", { config }, async ({ ai }) => {
      const { text } = await ai
        .generate({ messages: hello, model: "sim-slow-20tps" })
        .catch((error: unknown) => {
          ends.push(error);
          throw error;
        });
      return text;
    });
    server.get<Asked>("/fail", { config }, async ({ ai, query: { model } }) =>
      ai.generate({ messages: hello, model }),
    );
  });
});
after(async () => {
  await app.app.close();
  folder[Symbol.dispose]();
});

const get = (path: string, token = "token-of-ann", rest: RequestInit = {}) =>
  app.fetch(path, { token, ...rest });
const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code;

test("a handler streams a model's text, and is told what it came to", async () => {
  const response = await get("/stream?model=sim-words-50");
  assert.equal(response.headers.get("content-type"), "text/plain");
  assert.equal((await response.text()).split(" ").length, 50);
  const end = ends.pop() as AiEnd;
  assert.equal(end.model, "sim-words-50");
  assert.ok(end.usage!.output >= 50);
  assert.ok(Number(end.costUsd) > 0);
});

test("the answer of a schema is JSON that fits it, or none", async () => {
  const { json, other } = (await (await get("/json", "token-of-bob")).json()) as Record<string, object>;
  assert.deepEqual(Object.keys(json!).toSorted(), ["count", "title"]);
  assert.ok(other !== undefined);
});

test("a failing provider is told in the one envelope, with its status", async () => {
  const failed = await get("/fail?model=sim-500-n9", "token-of-cat");
  assert.deepEqual([failed.status, await codeOf(failed)], [502, "PROVIDER_FAILED"]);
  const limited = await get("/fail?model=sim-429-3s", "token-of-cat");
  assert.deepEqual([limited.status, await codeOf(limited)], [429, "PROVIDER_RATE_LIMITED"]);
  assert.equal(limited.headers.get("retry-after"), "3");
});

test("a stream that breaks off throws in the handler", async () => {
  const response = await get("/stream?model=sim-cut-40of60", "token-of-dan");
  await assert.rejects(response.text());
  const error = ends.pop();
  assert.ok(error instanceof TollgateError && error.is("PROVIDER_FAILED"), String(error));
});

test("a client that leaves aborts the call, pays what was said, and has its place back", async () => {
  for (const path of ["/stream?model=sim-slow-20tps", "/slow"]) {
    const leaving = new AbortController();
    const response = get(path, "token-of-eve", { signal: leaving.signal });
    if (path !== "/slow") {
      const reader = (await response).body!.getReader();
      await reader.read();
      const busy = await get("/fail?model=sim-echo", "token-of-eve");
      assert.deepEqual([busy.status, await codeOf(busy)], [429, "RATE_LIMITED"]);
    } else {
      await until(async () => (await get("/fail?model=sim-echo", "token-of-eve")).status === 429);
    }
    leaving.abort();
    await response.catch(() => {});
    await until(async () => (await get("/fail?model=sim-echo", "token-of-eve")).status === 200);
    const error = ends.pop();
    assert.equal((error as Error | undefined)?.name ?? "AbortError", "AbortError");
  }
});

test("the tokens of a stream are counted against its caller's when it is over", async () => {
  await (await get("/stream?model=sim-words-900", "token-of-bob")).text();
  await (await get("/stream?model=sim-words-900", "token-of-bob")).text();
  const refused = await get("/fail?model=sim-echo", "token-of-bob");
  assert.equal(refused.status, 429);
  const { error } = (await refused.json()) as { error: { limit: string } };
  assert.equal(error.limit, "user-tokens-minute");
});

test("closing the app settles every call that it made", async () => {
  await app.app.close();
  const rows = await folder.look((db) => db.selectFrom("prompt_runs").select("outcome").execute());
  const outcomes = rows.map(({ outcome }) => outcome);
  for (const outcome of ["completed", "failed", "cut", "aborted"])
    assert.ok(outcomes.includes(outcome), outcome);
  const open = await folder.look((db) => db.selectFrom("reservations").select("id").execute());
  assert.deepEqual(open, []);
});
