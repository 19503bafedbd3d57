import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { issueKey, newAdministrator, newPerson } from "./people.ts";
import { type Ended, newHome, runTollgate, startTollgate, type Variables } from "./server.ts";

/** The server's folder, and one far away from it that holds nothing. */
const home = await newHome({ empty: true });
const afar = await newHome({ empty: true });
const server = await startTollgate({ home });
after(async () => {
  await server[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
  await afar[Symbol.asyncDispose]();
});
const { url } = server;
const admin = await newAdministrator(url, server.setupToken!);
const developer = await newPerson(url, "dev");
const { key } = await issueKey(url, admin, { scopes: ["admin:*"] });

type Entries = { readonly items: readonly { readonly actor: { readonly id: string } }[] };

const run = (variables: Variables, ...args: string[]) => runTollgate(afar, variables, args);
const asAdmin = { TOLLGATE_URL: url, TOLLGATE_TOKEN: admin.token };

test("an administrator runs commands from afar, by a key or an access token, from a variable or a file", async () => {
  const file = join(afar.folder, "token");
  writeFileSync(file, `${key}\n`, { mode: 0o600 });
  const ways = [
    asAdmin,
    { TOLLGATE_URL: url, TOLLGATE_TOKEN: key },
    { TOLLGATE_URL: url, TOLLGATE_TOKEN_FILE: file },
  ];
  for (const variables of ways) {
    const { code, stdout, stderr } = await run(variables, "projects", "create", "--name", "far");
    assert.deepEqual([code, stderr], [0, `Project ${stdout.trim()} (far) is made.\n`]);
  }
  const elsewhere = { TOLLGATE_URL: "http://127.0.0.1:9", TOLLGATE_TOKEN: key };
  assert.equal((await run(elsewhere, "projects", "list", "--url", url)).code, 0);
});

test("the audit log names the administrator who ran a command from afar", async () => {
  await run(asAdmin, "teams", "create", "--name", "Far");
  const { items } = await server.ask<Entries>("audit", "list", "--action", "team.create");
  assert.deepEqual(
    items.map(({ actor }) => actor.id),
    [admin.id],
  );
});

test("a developer is refused in words, and so is a token that nobody knows", async () => {
  const refused = await run({ TOLLGATE_URL: url, TOLLGATE_TOKEN: developer.token }, "keys", "list");
  assert.deepEqual([refused.code, refused.stdout], [1, ""]);
  assert.ok(refused.stderr.startsWith(`${url} refuses to run commands for the owner of TOLLGATE_TOKEN: `));
  assert.match(refused.stderr, /It takes an administrator/);
  const unknown = await run({ TOLLGATE_URL: url, TOLLGATE_TOKEN: "sk-nobody" }, "keys", "list", "--json");
  assert.equal(unknown.code, 1);
  assert.match(JSON.parse(unknown.stderr).error.message, /does not accept TOLLGATE_TOKEN/);
  const missing = await run({}, "keys", "list", "--url", url);
  assert.deepEqual([missing.code, /TOLLGATE_TOKEN_FILE/.test(missing.stderr)], [2, true]);
});

test("an address where no Tollgate is, or nothing, is told as such", async () => {
  const other = createServer((_, response) => response.writeHead(404).end("<html>")).listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const named = await run({ TOLLGATE_TOKEN: key }, "keys", "list", "--url", address);
  other.close();
  assert.deepEqual(
    [named.code, named.stderr.startsWith(`What answers at ${address} is no Tollgate`)],
    [1, true],
  );
  const nothing = await run({ TOLLGATE_TOKEN: key }, "keys", "list", "--url", "http://127.0.0.1:9", "--json");
  assert.deepEqual([nothing.code, JSON.parse(nothing.stderr).error.code], [1, "UNREACHABLE"]);
});

/** Read only, and of what no clock moves. */
const readings = [
  "keys list --user usr_dev",
  "prices list --provider simulated",
  "costs report --days 7",
  "verify",
  "audit verify",
  "budgets show project 99",
  "users set-role usr_dev king",
];

test("--json is the same document from afar, inside the running server and without one", {
  timeout: 180_000,
}, async () => {
  const told = async (reading: string, answer: (...args: string[]) => Promise<Ended>) => {
    const ended = await answer(...reading.split(" "), "--json");
    const [document, ...more] = (ended.stdout + ended.stderr).trim().split("\n");
    assert.deepEqual([typeof JSON.parse(document!), more], ["object", []]);
    return ended;
  };
  const running = new Map<string, readonly Ended[]>();
  for (const reading of readings) {
    const answers = [(...args: string[]) => run(asAdmin, ...args), server.cli];
    running.set(reading, await Promise.all(answers.map((answer) => told(reading, answer))));
  }
  await server.stop();
  for (const [reading, answers] of running) {
    const alone = await told(reading, server.cli);
    assert.deepEqual(answers, [alone, alone], reading);
  }
});

test("commands that only look at this program answer without settings or a database", async () => {
  const broken = { PORT: "many" };
  for (const [args, expected] of [
    [["--version"], /^\d+\.\d+\.\d+\n$/],
    [["help", "keys", "issue"], /^Usage: tollgate keys issue/],
    [["completion", "bash"], /complete -F _tollgate tollgate/],
    [["__complete", "keys", "rev"], /^revoke\t/],
  ] as const) {
    const { code, stdout } = await run(broken, ...args);
    assert.equal(code, 0);
    assert.match(stdout, expected);
  }
});
