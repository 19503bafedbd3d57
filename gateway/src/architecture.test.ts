// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is planted is source text

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { edges, type Facts, isTest, readSources, rules, violations } from "../../scripts/architecture.ts";
import { doors } from "../../scripts/doors.ts";
import { tableOwners } from "./store/tables.ts";

const folder = import.meta.dirname;
const files = readSources(folder);
const { dependencies } = JSON.parse(readFileSync(join(folder, "../package.json"), "utf8")) as {
  dependencies: Record<string, string>;
};
const facts: Facts = { tableOwners, dependencies: Object.keys(dependencies) };

test("the code keeps the rules of the house", () => {
  assert.deepEqual(violations(files, facts), []);
});

test("the rules have read the files", () => {
  const shipped = [...files.keys()].filter((path) => !isTest(path));
  assert.ok(shipped.length > 100, `${shipped.length} files`);
  const seen = edges(files);
  assert.ok(seen.length > 500, `${seen.length} imports`);
  for (const edge of [
    "lib/fetch.ts → undici",
    "costs/reserve.ts → lib/clock.ts",
    "calls/enter.ts → identity/identify.ts",
    "http/server.ts → fastify",
    "app.ts → http/endpoints.ts",
    "store/pglite.ts → store/pglite.worker.ts",
  ]) {
    assert.ok(seen.includes(edge), edge);
  }
});

test("every door is opened where it should be", () => {
  for (const { name, opensIn } of doors) {
    const opening = [...files.keys()].filter((path) => opensIn.test(path));
    const moved = new Map(
      opening.map((path) => [`lib/moved-${path.replaceAll("/", "-")}`, files.get(path)!]),
    );
    const opened = violations(moved, facts).filter(({ what }) =>
      what.startsWith(`opens the door to ${name}:`),
    );
    assert.ok(opened.length > 0, `nothing in ${opening.join(", ")} opens the door to ${name}`);
  }
});

test("every table has an owner", () => {
  const migrations = join(folder, "store/migrations");
  const created = readdirSync(migrations)
    .filter((name) => name.endsWith(".up.sql"))
    .flatMap((name) => [...readFileSync(join(migrations, name), "utf8").matchAll(/create table (\w+) \(/g)])
    .map(([, table]) => table!);
  assert.deepEqual(created.toSorted(), Object.keys(tableOwners).toSorted());
});

/** One planted file for each way to break a rule: where it stands, what it says. */
const planted: Readonly<Record<keyof typeof rules, readonly (readonly [path: string, source: string])[]>> = {
  "a file imports only from folders in front of its own": [
    ["lib/planted.ts", `import { openPostgres } from "../store/postgres.ts";`],
    ["calls/planted.ts", `import type { Endpoint } from "../http/endpoint.ts";`],
    ["http/planted.ts", `import { openApp } from "../app.ts";`],
    ["access/planted.ts", `import { identifier } from "../identity/identify.ts";`],
    ["limits/planted.ts", `import { type Principal, x } from "../identity/principal.ts";`],
    ["costs/planted.ts", `const taps = await import("../providers/tap.ts");`],
    ["telemetry/planted.ts", `const worker = new URL("../costs/reports.ts", import.meta.url);`],
    ["store/planted.ts", `import "../telemetry/log.ts";`],
  ],
  "an app uses nothing of the gateway but the plugin": [
    ["apps/planted.ts", `import { openApp } from "../app.ts";`],
    ["apps/planted.ts", `import type { Asked } from "../calls/ask.ts";`],
    ["apps/planted.ts", `import { migrate } from "../store/migrate.ts";`],
  ],
  "every folder has its place in the order": [["plumbing/planted.ts", "export const pipe = 1;"]],
  "a door is opened in one file": [
    ["calls/planted.ts", "const now = Date.now();"],
    ["calls/planted.ts", "const now = new Date();"],
    ["calls/planted.ts", "const now = new Date;"],
    ["calls/planted.ts", "const now = Date();"],
    ["calls/planted.ts", "const started = performance.now();"],
    ["calls/planted.ts", "setTimeout(() => run(), 10);"],
    ["calls/planted.ts", `import { setTimeout as pause } from "node:timers/promises";`],
    ["calls/planted.ts", "const text = `${Date.now()} ms`;"],
    ["calls/planted.ts", "const dice = Math.random();"],
    ["calls/planted.ts", `import { randomUUID } from "node:crypto";`],
    ["calls/planted.ts", `import { createHmac, randomBytes as dice } from "node:crypto";`],
    ["calls/planted.ts", `import * as secrets from "node:crypto";`],
    ["calls/planted.ts", "const id = crypto.randomUUID();"],
    ["calls/planted.ts", "const port = process.env.PORT;"],
    ["calls/planted.ts", "const { env } = process;"],
    ["calls/planted.ts", `const port = process["env"];`],
    ["calls/planted.ts", `import { env } from "node:process";`],
    ["calls/planted.ts", `const answer = await fetch("http://127.0.0.1");`],
    ["calls/planted.ts", `import type { Dispatcher } from "undici";`],
    ["calls/planted.ts", `import { request } from "node:http";`],
    ["calls/planted.ts", `import { connect } from "node:net";`],
    ["calls/planted.ts", `import { createTransport } from "nodemailer";`],
    ["store/planted.ts", `import { Pool } from "pg";`],
    ["store/planted.ts", `import type { PGlite } from "@electric-sql/pglite";`],
    ["limits/planted.ts", `import { Redis } from "ioredis";`],
    ["http/planted.ts", `import { fastify } from "fastify";`],
    ["http/routes/planted.ts", `app.route({ method: "GET" });`],
    ["http/routes/planted.ts", `app.get("/secret", handle);`],
  ],
  "a table is written by the folder that owns it": [
    ["calls/planted.ts", `await db.insertInto("budgets").values(row).execute();`],
    ["identity/planted.ts", `await db\n  .updateTable("projects as p").set({}).execute();`],
    ["limits/planted.ts", `await db.deleteFrom("api_keys").execute();`],
    ["http/planted.ts", "await sql`insert into prompt_runs select * from item`.execute(db);"],
    ["app.ts", "await sql`with x as (select 1)\n update budgets set spent_pico = ${0}`.execute(db);"],
    ["calls/planted.ts", "await sql`\n    DELETE\n    FROM reservations`.execute(db);"],
  ],
  "a statement that writes names its table": [
    ["costs/planted.ts", "await sql`insert into ${sql.table(name)} default values`.execute(db);"],
  ],
  "nothing is exported by default": [
    ["lib/planted.ts", "export default function planted() {}"],
    ["lib/planted.ts", "const planted = 1;\nexport { planted as default };"],
  ],
  "only index.ts re-exports": [
    ["costs/planted.ts", `export { costOf } from "./cost.ts";`],
    ["costs/planted.ts", `export * from "./cost.ts";`],
    ["costs/planted.ts", `export type { Usage } from "./usage.ts";`],
    ["costs/planted.ts", `import { costOf } from "./cost.ts";\nexport { costOf };`],
  ],
  "a file is named after what it says": [
    ["lib/utils.ts", ""],
    ["lib/string-helpers.ts", ""],
    ["calls/common.ts", ""],
    ["costs/price.service.ts", ""],
  ],
  "types leave nothing behind at run time": [
    ["lib/planted.ts", "export enum Colour { Red }"],
    ["lib/planted.ts", "const enum Colour { Red }"],
    ["lib/planted.ts", "namespace Colours { export const red = 1; }"],
  ],
  "what ships imports nothing that is only for tests": [
    ["calls/planted.ts", `import { testApp } from "../app.testing.ts";`],
    ["store/planted.ts", `import { testStore } from "./testing.ts";`],
    ["limits/planted.ts", `import { countersContract } from "./counters.contract.ts";`],
    ["lib/planted.ts", `import { test } from "node:test";`],
    ["lib/planted.ts", `import fc from "fast-check";`],
  ],
  "nothing imports a test": [["lib/planted.test.ts", `import "./fetch.test.ts";`]],
  "an import names its file": [
    ["lib/planted.ts", "const chosen = await import(name);"],
    ["lib/planted.ts", `import { createRequire } from "node:module";`],
    ["lib/planted.ts", `const pool = require("pg");`],
  ],
};

for (const [rule, plants] of Object.entries(planted)) {
  test(`a planted violation is found: ${rule}`, () => {
    for (const [path, source] of plants) {
      const found = violations(new Map([...files, [path, source]]), facts);
      assert.ok(
        found.some((violation) => violation.rule === rule && violation.file === path),
        `${path}: ${source} → ${JSON.stringify(found)}`,
      );
    }
  });
}

test("every rule has a planted violation, and every door", () => {
  assert.deepEqual(Object.keys(planted).toSorted(), Object.keys(rules).toSorted());
  const found = planted["a door is opened in one file"]!.flatMap(([path, source]) =>
    violations(new Map([[path, source]]), facts).map(({ what }) => what),
  );
  for (const { name } of doors) {
    assert.ok(
      found.some((what) => what.startsWith(`opens the door to ${name}:`)),
      name,
    );
  }
});

test("what only looks like a violation is none", () => {
  const innocent: readonly (readonly [path: string, source: string])[] = [
    ["lib/planted.ts", "// Date.now() would not do here; see process.env"],
    ["lib/planted.ts", "/** `setTimeout` and\n * Math.random() are doors. */\nexport const a = 1;"],
    ["lib/planted.ts", `const about = "import { Pool } from 'pg'; Date.now()";`],
    ["lib/planted.ts", "const about = `fetch(url) ${url} process.env`;"],
    ["lib/planted.ts", "const quote = /[\"'`]/; const half = total / 2;"],
    ["calls/planted.ts", "const at = new Date(clock.now()); socket.setTimeout(10);"],
    ["calls/planted.ts", "const found = await client.fetch(url); const map = values.get(1);"],
    ["identity/planted.ts", `import { createHmac, hash } from "node:crypto";`],
    ["providers/planted.ts", `import { createServer, type IncomingMessage } from "node:http";`],
    ["identity/planted.ts", `import type { Dimension } from "../limits/limit.ts";`],
    ["identity/planted.ts", `import { type Dimension, type Shape } from "../limits/limit.ts";`],
    ["http/planted.ts", `import type { FastifyReply } from "fastify";`],
    ["http/planted.ts", `declare module "fastify" { interface FastifyRequest { trace: string } }`],
    ["costs/planted.ts", "await sql`select id from budgets order by id for update`.execute(db);"],
    ["costs/planted.ts", `await db.insertInto("budgets").values(row).execute();`],
    ["costs/planted.ts", "export { planted };\nconst planted = 1;"],
    ["lib/planted.test.ts", `import { test } from "node:test";\nconst now = Date.now();`],
    ["apps/planted.ts", `import { type Ai, tollgate } from "../plugin.ts";`],
    ["apps/planted.ts", `import type { Db } from "../store/tables.ts";\napp.get("/v1/planted", handle);`],
    ["index.ts", `export { openApp } from "./app.ts";`],
  ];
  for (const [path, source] of innocent) {
    assert.deepEqual(violations(new Map([...files, [path, source]]), facts), [], source);
  }
});
