import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { ask, told } from "./ask.ts";
import { issueKey, newPerson } from "./people.ts";
import { type RawAnswer, sendRaw } from "./raw.ts";
import { newHome, startTollgate } from "./server.ts";

const internalToken = "internal-token-of-the-operator";
const home = await newHome();
const server = await startTollgate({
  home,
  env: {
    ABUSE_MODE: "off",
    INTERNAL_API_TOKEN: internalToken,
    KEY_RATE_LIMIT_PER_MINUTE: "",
    IP_RATE_LIMIT_PER_MINUTE: "",
  },
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const { url } = server;
const { host } = new URL(url);
const person = await newPerson(url, "person");
const key = await issueKey(url, person);

type Route = { readonly method: string; readonly path: string };
type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security?: unknown }>>>>;
};

/** Every route that asks for a credential, with ids that the person owns or that nobody does. */
const guarded: readonly Route[] = Object.entries(
  (await told<Document>(url, "GET /openapi.json")).paths,
).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([, { security }]) => security !== undefined)
    .map(([method]) => ({ method: method.toUpperCase(), path: filled(path) })),
);
const administration = guarded.filter(({ path }) => /^\/(admin|internal|operator)\//.test(path));

assert.ok(guarded.length > 30 && administration.length > 5);

function filled(path: string): string {
  return path
    .replace("{prefix}", key.prefix)
    .replace("/api-keys/{id}", `/api-keys/${key.id}`)
    .replace("/users/{id}", `/users/${person.id}`)
    .replace("{userId}", person.id)
    .replace("{command}", "keys-list")
    .replace(/\{\w+\}/g, "1");
}

const hex = (text: string) => `%${text.charCodeAt(0).toString(16)}`;

/** The same place, as somebody would write it who hopes that the guard reads another one than the router. */
const spellings: Readonly<Record<string, (path: string) => string>> = {
  "as it is": (path) => path,
  "first letter encoded": (path) => path.replace(/^\/(\w)/, (_, letter) => `/${hex(letter)}`),
  "last letter encoded": (path) => path.replace(/(.)$/, (letter) => hex(letter)),
  "every letter encoded": (path) => path.replace(/[a-z]/g, hex),
  "encoded twice": (path) => path.replace(/[a-z]/g, (letter) => hex(letter).replace("%", "%25")),
  "encoded slash": (path) => path.replace(/(?<=.)\//, "%2f"),
  "encoded backslash": (path) => path.replace(/(?<=.)\//, "%5c"),
  backslash: (path) => path.replace(/(?<=.)\//, "\\"),
  "slash at the end": (path) => `${path}/`,
  "two slashes at the beginning": (path) => `/${path}`,
  "two slashes inside": (path) => path.replace(/(?<=.)\//, "//"),
  "dot segment": (path) => `/.${path}`,
  "up from a public place": (path) => `/healthz/..${path}`,
  "up from a version": (path) => `/v1/..${path}`,
  "encoded dots": (path) => `/healthz/%2e%2e${path}`,
  "path parameter": (path) => `${path};x=healthz`,
  "path parameter before": (path) => path.replace(/(?<=.)\//, ";x/"),
  "upper case": (path) => path.toUpperCase(),
  "NUL at the end": (path) => `${path}%00`,
  "blank at the end": (path) => `${path}%20`,
  "newline at the end": (path) => `${path}%0a`,
  "file ending": (path) => `${path}.json`,
  "query that looks public": (path) => `${path}?/healthz`,
  "fragment that looks public": (path) => `${path}#/healthz`,
  "absolute form": (path) => `http://${host}${path}`,
  "absolute form of elsewhere": (path) => `http://localhost/healthz@${host}${path}`,
  "without the slash": (path) => path.slice(1),
};

/** Headers by which proxies and frameworks let somebody else decide what was asked for, or who asks. */
const persuasions: readonly string[] = [
  "X-Original-URL: /healthz",
  "X-Rewrite-URL: /healthz",
  "X-Forwarded-Prefix: /healthz",
  "X-Forwarded-Uri: /healthz",
  "X-Forwarded-For: 127.0.0.1",
  "X-Forwarded-Host: localhost",
  "X-Real-IP: 127.0.0.1",
  "Forwarded: for=127.0.0.1;host=localhost",
  "X-HTTP-Method-Override: OPTIONS",
  "X-User-Id: usr_dev",
  "X-Remote-User: admin",
  "X-Role: admin",
];

async function send({ method, path }: Route, headers: readonly string[], hostLine = `Host: ${host}`) {
  const body = method === "POST" || method === "PATCH" ? "{}" : "";
  const framing = body === "" ? [] : ["Content-Type: application/json", `Content-Length: ${body.length}`];
  const lines = [`${method} ${path} HTTP/1.1`, hostLine, ...headers, ...framing];
  return sendRaw(url, `${lines.join("\r\n")}\r\n\r\n${body}`);
}

function assertRefused({ status, body }: RawAnswer, what: string): void {
  assert.ok((status >= 400 && status < 500) || status === 0, `${what}: ${status} ${body}`);
  for (const id of [person.id, person.email, key.prefix])
    assert.ok(!body.includes(id), `${what} shows ${id}`);
}

for (const [name, spelling] of Object.entries(spellings)) {
  test(`${name}: no guarded route opens without a credential, and none of the operators' to a developer`, async () => {
    const developer = [`Authorization: Bearer ${person.token}`];
    const attempts = [
      ...guarded.map((route) => ({ route, headers: [] as readonly string[] })),
      ...administration.map((route) => ({ route, headers: developer })),
    ];
    await Promise.all(
      attempts.map(async ({ route, headers }) => {
        const path = spelling(route.path);
        assertRefused(await send({ ...route, path }, headers), `${route.method} ${path}`);
      }),
    );
  });
}

test("no header persuades a guarded route to let anybody in", async () => {
  for (const persuasion of persuasions) {
    await Promise.all(
      guarded.map(async (route) =>
        assertRefused(await send(route, [persuasion]), `${persuasion} at ${route.method} ${route.path}`),
      ),
    );
  }
});

test("no Host opens a guarded route", async () => {
  const hosts = [
    "localhost",
    "127.0.0.1/healthz?",
    "x/healthz#",
    "@",
    "",
    "a b",
    "evil.example:8080",
    "[::1]",
  ];
  for (const name of hosts) {
    for (const route of guarded) assertRefused(await send(route, [], `Host: ${name}`), `Host ${name}`);
  }
});

test("a public route answers itself, whatever the headers want", async () => {
  for (const headers of [
    ["X-Original-URL: /admin/users"],
    ["X-Rewrite-URL: /auth/me"],
    ["X-Forwarded-Uri: /auth/me"],
  ]) {
    const answer = await send({ method: "GET", path: "/healthz" }, headers);
    assert.deepEqual([answer.status, answer.body], [200, '{"status":"ok"}']);
  }
});

test("a method is the one of the request line", async () => {
  const path = `/auth/api-keys/${key.id}`;
  for (const name of ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]) {
    await send({ method: "GET", path: `${path}?_method=DELETE` }, [
      `Authorization: Bearer ${person.token}`,
      `${name}: DELETE`,
    ]);
  }
  assert.equal((await ask(url, "GET /auth/me", { token: key.key })).status, 200);
});

test("metrics are for this machine alone, whoever says that the request comes from it", async () => {
  for (const name of ["X-Forwarded-For", "Forwarded"]) {
    const answer = await send({ method: "GET", path: "/metrics" }, [`${name}: 127.0.0.1`]);
    assert.equal(answer.status, 401, name);
  }
});

test("the operator's and the internal token open nothing else", async () => {
  const operatorToken = readFileSync(join(home.folder, "data", "operator-token"), "utf8");
  for (const [token, own] of [
    [operatorToken, "/operator/"],
    [internalToken, "/internal/"],
  ] as const) {
    for (const route of guarded.filter(({ path }) => !path.startsWith(own))) {
      assertRefused(await send(route, [`Authorization: Bearer ${token}`]), `${route.method} ${route.path}`);
    }
  }
});
