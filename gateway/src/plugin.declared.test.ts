import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type FastifyInstance, fastify } from "fastify";
import { TollgateError } from "./lib/errors.ts";
import type { TollgateOptions } from "./plugin.options.ts";
import { type DataFolder, dataFolder } from "./plugin.testing.ts";
import { type GovernedRoute, tollgate } from "./plugin.ts";

const governed = { class: "manage", scope: "none" } as const satisfies GovernedRoute;
const ann = { authorization: "Bearer token-of-ann" };

let folder: DataFolder;
before(async () => {
  folder = await dataFolder();
});
after(() => folder[Symbol.dispose]());

/** An app of others that registers the plugin, then does its own. */
async function inApp(
  options: TollgateOptions,
  work: (app: FastifyInstance) => Promise<void>,
  app: FastifyInstance = fastify({ pluginTimeout: 60_000 }),
): Promise<void> {
  try {
    await app.register(tollgate, { settings: folder.settings, ...options });
    await work(app);
  } finally {
    await app.close();
  }
}

test("a route whose config.tollgate cannot be read stops the start, and says what is wrong with it", async () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /config\.tollgate: .*received undefined/],
    [null, /config\.tollgate: .*received null/],
    [true, /config\.tollgate: .*received boolean/],
    [{}, /config\.tollgate\.class: .*config\.tollgate\.scope: /],
    [{ ...governed, class: "chats" }, /config\.tollgate\.class: .*"chat"/],
    [{ ...governed, scope: "all" }, /config\.tollgate\.scope: .*"none"/],
    [{ ...governed, isAICall: true }, /config\.tollgate: .*"isAICall"/],
    [{ ...governed, isAiCall: "yes" }, /config\.tollgate\.isAiCall: /],
    [{ ...governed, signedIn: undefined }, /config\.tollgate\.signedIn: /],
    [{ ...governed, appKey: true, credential: "x-api-key" }, /config\.tollgate\.credential: /],
  ];
  await inApp({}, async (app) => {
    for (const [named, says] of wrong) {
      const add = () => app.get("/notes", { config: { tollgate: named as GovernedRoute } }, async () => "");
      assert.throws(
        add,
        (error: Error) => /^the route GET \/notes /.test(error.message) && says.test(error.message),
      );
    }
  });
});

test("an app may deny what is not named: then only what says false is open", async () => {
  await inApp({ ungoverned: "deny" }, async (app) => {
    assert.throws(
      () => app.get("/forgotten", async () => ""),
      /the route GET \/forgotten says no config\.tollgate/,
    );
    const typo = { config: { tolgate: governed } } as object;
    assert.throws(
      () => app.get("/typo", typo, async () => ""),
      /the route GET \/typo says no config\.tollgate/,
    );
    app.get("/open", { config: { tollgate: false } }, async () => "open");
    app.get("/mine", { config: { tollgate: governed } }, async ({ principal }) => principal.userId);
    assert.equal((await app.inject("/open")).body, "open");
    assert.equal((await app.inject("/mine")).statusCode, 401);
    assert.equal((await app.inject({ url: "/mine", headers: ann })).body, "usr_ann");
    assert.equal((await app.inject("/nowhere")).statusCode, 404);
  });
});

test("where what is not named is denied, so is a route that was there before the plugin", async () => {
  const app = fastify({ pluginTimeout: 60_000 });
  app.get("/early", async () => "early");
  app.get("/open", { config: { tollgate: false } }, async () => "open");
  await inApp(
    { ungoverned: "deny" },
    async () => {
      assert.equal((await app.inject("/early")).statusCode, 500);
      assert.equal((await app.inject("/open")).body, "open");
    },
    app,
  );
});

test("a hook that is added after the plugin may not change what governs a route", async () => {
  for (const config of [{ tollgate: governed }, { other: true }]) {
    await inApp({}, async (app) => {
      app.register(async (part) => {
        part.addHook("onRoute", (route) => {
          route.config = config;
        });
        if ("tollgate" in config) part.get("/named", async () => "");
        else part.get("/named", { config: { tollgate: governed } }, async () => "");
      });
      await assert.rejects(
        async () => app.ready(),
        /the route GET \/named has another config\.tollgate since/,
      );
    });
  }
});

test("a hook that is added before the plugin may say what governs a route", async () => {
  const app = fastify({ pluginTimeout: 60_000 });
  app.addHook("onRoute", (route) => {
    route.config = { ...route.config, tollgate: route.url.startsWith("/docs") ? false : governed };
  });
  await inApp(
    { ungoverned: "deny" },
    async () => {
      app.get("/docs/page", async () => "page");
      app.get("/notes", async () => "notes");
      assert.equal((await app.inject("/docs/page")).body, "page");
      assert.equal((await app.inject("/notes")).statusCode, 401);
    },
    app,
  );
});

test("a route may read its credential from X-API-Key alone, and leave Authorization to the app", async () => {
  await inApp({}, async (app) => {
    const own = { config: { tollgate: { ...governed, credential: "x-api-key" } } } as const;
    app.get("/own", own, async ({ principal, headers }) => [principal.userId, headers.authorization]);
    const ask = async (headers: Record<string, string>) =>
      (await app.inject({ url: "/own", headers })).json();
    const mine = "Bearer a.jwt.of-the-app";
    assert.deepEqual(await ask({ authorization: mine, "x-api-key": "token-of-ann" }), ["usr_ann", mine]);
    assert.equal((await ask({ authorization: "Bearer token-of-ann" })).error.code, "AUTH_REQUIRED");
    assert.equal((await ask({ "x-api-key": "nobody's" })).error.code, "AUTH_INVALID");
  });
});

test("an error of ours that an open route throws has its status in the app's own handler", async () => {
  await inApp({}, async (app) => {
    app.get("/open", async () => {
      throw new TollgateError("FORBIDDEN");
    });
    app.setErrorHandler((error, _, reply) => {
      const { statusCode = 500 } = error as { readonly statusCode?: number };
      return reply.code(statusCode).send("mine");
    });
    assert.equal((await app.inject("/open")).statusCode, 403);
  });
});

test("an app that wants refusals has them in its own handlers, with the headers that they have", async () => {
  await inApp({ refusals: "app" }, async (app) => {
    app.setErrorHandler((error, _, reply) => {
      const { statusCode, code } = error as TollgateError;
      return reply.code(statusCode).send({ mine: code });
    });
    app.get("/app", { config: { tollgate: governed } }, async () => "");
    app.get(
      "/route",
      {
        config: { tollgate: { ...governed, class: "query", isAiCall: true } },
        errorHandler: (error, _, reply) =>
          reply.code(299).send({ route: (error as unknown as TollgateError).code }),
      },
      async ({ ai }) => ai.generate({ messages: [{ role: "user", content: "Hello" }], model: "sim-429-3s" }),
    );
    const unknown = await app.inject("/app");
    assert.deepEqual([unknown.statusCode, unknown.json()], [401, { mine: "AUTH_REQUIRED" }]);
    assert.ok(unknown.headers["www-authenticate"] ?? unknown.headers["x-should-retry"]);
    const failed = await app.inject({ url: "/route", headers: ann });
    assert.deepEqual([failed.statusCode, failed.json()], [299, { route: "PROVIDER_RATE_LIMITED" }]);
    assert.equal(failed.headers["retry-after"], "3");
  });
});

test("an app keeps its request ids, and what it calls trace and endpoint", async () => {
  const app = fastify({ pluginTimeout: 60_000, requestIdHeader: "x-request-id" });
  app.decorateRequest("trace" as string, "mine");
  app.addHook("onRequest", async (request, reply) => void reply.header("x-request-id", request.id));
  await inApp(
    {},
    async () => {
      app.get("/own", { config: { endpoint: "mine", tollgate: governed } as object }, async (request) => {
        const { endpoint } = request.routeOptions.config as { endpoint?: string };
        return [request.id, (request as { trace?: string }).trace, endpoint];
      });
      const answer = await app.inject({ url: "/own", headers: { ...ann, "x-request-id": "id-1" } });
      assert.deepEqual(answer.json(), ["id-1", "mine", "mine"]);
      assert.equal(answer.headers["x-request-id"], "id-1");
      assert.match(String(answer.headers["x-correlation-id"]), /^req_/);
    },
    app,
  );
});
