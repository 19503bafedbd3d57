import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { runProgram, startProgram } from "../examples/running.ts";
import { blocksOf } from "./blocks.ts";

/**
 * What `npm run pack` makes of the gateway, installed in an empty folder as anybody would. Without a registry nothing can be
 * installed, and the tests are skipped.
 */
const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "tollgate-pack-"));
const installed = join(folder, "node_modules/tollgate");
const NO_REGISTRY = /E(NOTFOUND|CONNREFUSED|CONNRESET|TIMEDOUT|AI_AGAIN|NOTCACHED|HOSTUNREACH|NETUNREACH)/;
const env = {
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
  DATA_DIR: join(folder, "data"),
  PORT: "0",
  LOG_LEVEL: "error",
  APP_AUTH_TOKEN_USER_MAP: "token-of-ann:usr_ann",
};
let missing: string | undefined;

before(async () => {
  const pack = ["run", "pack", "--ignore-scripts", "--", "--pack-destination", folder];
  await runProgram("npm", pack, { cwd: join(root, "gateway"), env });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz"))!;
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    devDependencies: Record<string, string>;
  };
  const wanted = [`./${archive}`, `@types/node@${devDependencies["@types/node"]}`];
  const bounded = ["--fetch-retries=1", "--fetch-timeout=20000", "--no-audit", "--no-fund"];
  const install = ["install", ...wanted, "--prefer-offline", "--ignore-scripts", ...bounded];
  await runProgram("npm", install, { cwd: folder, env }).catch((error: Error) => {
    missing = NO_REGISTRY.exec(error.message)?.[0];
    if (missing === undefined) throw error;
  });
});
after(() => rmSync(folder, { recursive: true, force: true }));

function skipped(t: TestContext): boolean {
  if (missing !== undefined) t.skip(`the package registry cannot be reached: ${missing}`);
  return missing !== undefined;
}

test("the package has no source, no test and no licence left out", async (t) => {
  if (skipped(t)) return;
  const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
  const odd = /\.(test|testing|contract)\.|(?<!\.d)\.ts$|^src/;
  assert.deepEqual(
    files.filter((path) => odd.test(path) && !path.startsWith("node_modules")),
    [],
  );
  for (const path of [
    "README.md",
    "LICENSE",
    "NOTICE",
    "dist/store/pglite.worker.js",
    "dist/costs/catalogue.json",
  ]) {
    assert.ok(files.includes(path), path);
  }
});

test("each package holds the licence of the whole, and its notices", () => {
  for (const path of ["gateway/LICENSE", "client/LICENSE", "gateway/NOTICE"]) {
    const whole = readFileSync(join(root, basename(path)), "utf8");
    assert.equal(readFileSync(join(root, path), "utf8"), whole, path);
  }
});

test("npx tollgate serve answers", async (t) => {
  if (skipped(t)) return;
  const serve = [join(folder, "node_modules/.bin/tollgate"), "serve"];
  await using server = await startProgram(serve, { cwd: folder, env });
  const response = await fetch(`${server.url}/readyz`);
  assert.equal(response.status, 200);
  assert.equal(await server.stop(), 0);
});

test("a JavaScript app governs its routes by the package", async (t) => {
  if (skipped(t)) return;
  writeFileSync(
    join(folder, "app.mjs"),
    `import { fastify } from "fastify";
import { TollgateError, tollgate } from "tollgate";
const app = fastify({ pluginTimeout: 60_000 });
await app.register(tollgate);
app.get("/", { config: { tollgate: { class: "query", scope: "none", isAiCall: true } } }, async ({ ai }) => {
  const { text } = await ai.generate({ messages: [{ role: "user", content: "hello" }] });
  return text;
});
const known = await app.inject({ url: "/", headers: { authorization: "Bearer token-of-ann" } });
const unknown = await app.inject({ url: "/" });
console.log(known.statusCode, known.body, unknown.statusCode, new TollgateError("FORBIDDEN").status);
await app.close();
`,
  );
  const said = await runProgram(process.execPath, ["app.mjs"], { cwd: folder, env });
  assert.equal(said.trim(), "200 hello 401 403");
});

test("a CommonJS app governs its routes by the package", async (t) => {
  if (skipped(t)) return;
  writeFileSync(
    join(folder, "app.cjs"),
    `const { fastify } = require("fastify");
const { tollgate } = require("tollgate");
const app = fastify({ pluginTimeout: 60_000 });
app.register(async (app) => {
  await app.register(tollgate, { ungoverned: "deny" });
  app.get("/", { config: { tollgate: { class: "manage", scope: "none" } } }, async (request) => request.principal.userId);
  app.get("/open", { config: { tollgate: false } }, async () => "open");
});
async function main() {
  const known = await app.inject({ url: "/", headers: { authorization: "Bearer token-of-ann" } });
  console.log(known.body, (await app.inject("/")).statusCode, (await app.inject("/open")).body);
  await app.close();
}
main();
`,
  );
  const said = await runProgram(process.execPath, ["app.cjs"], { cwd: folder, env });
  assert.equal(said.trim(), "usr_ann 401 open");
});

test("the app on the package's page runs on the package", async (t) => {
  if (skipped(t)) return;
  const app = blocksOf(readFileSync(join(installed, "README.md"), "utf8")).findLast(
    ({ language }) => language === "js",
  )!;
  writeFileSync(join(folder, "page.mjs"), app.text.replace("port: 3000", "port: 0"));
  await using running = await startProgram(["page.mjs"], { cwd: folder, env });
  const headers = { authorization: "Bearer token-of-ann" };
  const response = await fetch(`${running.url}/slogan`, { headers });
  assert.equal(((await response.json()) as { text: string }).text, "A slogan for a toll gate");
});

test("a TypeScript app is checked against the package's types, those of its libraries as well", async (t) => {
  if (skipped(t)) return;
  writeFileSync(
    join(folder, "app.ts"),
    `import { fastify } from "fastify";
import { type AiEnd, type ErrorCode, type GovernedRoute, type Principal, TollgateError, tollgate } from "tollgate";
const app = fastify();
await app.register(tollgate, { settings: { DATA_DIR: "data" }, ungoverned: "deny", logger: app.log });
const governed: GovernedRoute = { class: "query", scope: "none", isAiCall: true };
app.get("/", { config: { tollgate: governed } }, async ({ ai, principal }) => {
  const who: Principal = principal;
  const end: AiEnd = await ai.generate({ messages: [{ role: "user", content: who.userId }] });
  return end.costUsd;
});
app.get("/open", { config: { tollgate: false } }, async () => "");
// @ts-expect-error: there is no such field
export const misspelt: GovernedRoute = { class: "query", scope: "none", isAICall: true };
// @ts-expect-error: there is no such class
app.get("/wrong", { config: { tollgate: { class: "chats", scope: "none" } } }, async () => "");
export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof TollgateError ? error.code : undefined;
`,
  );
  const strict = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2024"];
  const modern = [...strict, "--lib", "es2024,esnext.disposable", "--types", "node"];
  for (const resolution of [
    ["--module", "nodenext"],
    ["--module", "esnext", "--moduleResolution", "bundler"],
  ]) {
    const tsc = join(root, "node_modules/.bin/tsc");
    await runProgram(tsc, [...modern, ...resolution, "app.ts"], { cwd: folder, env });
  }
});

test("the example app runs on the package", async (t) => {
  if (skipped(t)) return;
  cpSync(join(root, "examples/fastify-app"), join(folder, "fastify-app"), { recursive: true });
  await using app = await startProgram([join(folder, "fastify-app/server.ts")], { cwd: folder, env });
  const headers = { authorization: "Bearer token-of-ann" };
  const response = await fetch(`${app.url}/notes/summary`, { headers });
  assert.equal(((await response.json()) as { user: string }).user, "usr_ann");
  assert.equal(await app.stop(), 0);
});
