import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const tsc = join(root, "node_modules/.bin/tsc");
const folder = mkdtempSync(join(tmpdir(), "tollgate-client-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** As somebody who has nothing but the package. */
async function install(): Promise<void> {
  const cwd = join(root, "client");
  rmSync(join(cwd, "dist"), { recursive: true, force: true });
  const destination = ["--pack-destination", folder, "--loglevel=error"];
  await run("npm", ["run", "pack", "--ignore-scripts", "--", ...destination], { cwd });
  const [packed] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "consumer", type: "module", private: true }),
  );
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", ["install", `./${packed}`, "--offline", ...quiet], { cwd: folder });
}

const script = `
import { describeError, parseTollgateError, TollgateClient } from "tollgate-client";
const fetch = async () => new Response('{"id":"usr_1"}', { headers: { "content-type": "application/json" } });
const client = new TollgateClient({ baseUrl: "http://gate.test", apiKey: "sk-key", fetch });
const { id } = await client.auth.me();
const { title } = describeError(parseTollgateError("", { status: 401 }), { now: 0 });
console.log(JSON.stringify({ id, title }));
`;

const program = `
import {
  type ChatChunk, type Description, describeError, parseTollgateError, TollgateClient, TollgateError, verifyWebhook,
} from "tollgate-client";

export async function use(client: TollgateClient): Promise<string> {
  const project = await client.projects.create({ name: "Bridge", budget_allocated: "12.50" });
  for await (const key of client.keys.list({ limit: 3 })) key.prefix satisfies string;
  const { data, response } = await client.costs.ofProject(project.id).withResponse();
  response.status satisfies number;
  const chunks: ChatChunk[] = [];
  for await (const chunk of await client.chat.stream({ model: "m", messages: [{ role: "user", content: "x" }] })) {
    chunks.push(chunk);
  }
  try {
    await client.request("GET /costs/teams/{id}", { path: { id: 1 }, query: { period_days: 7 } });
  } catch (error) {
    if (!(error instanceof TollgateError)) throw error;
    if (error.type === "SCOPE_MISSING") return error.requiredScope ?? "";
    if (error.type === "VALIDATION_FAILED") return error.details.map(({ path }) => path).join();
    // @ts-expect-error: only some errors name a scope
    error.requiredScope;
  }
  // @ts-expect-error: a path needs its parts
  await client.request("GET /costs/teams/{id}", {});
  // @ts-expect-error: a name is needed
  await client.projects.create({});
  const event = await verifyWebhook({ body: "", headers: new Headers(), secrets: [] });
  const description: Description = describeError(parseTollgateError(event), { now: new Date() });
  return description.title + data.total_cost_usd;
}
`;

const compilerOptions = { strict: true, skipLibCheck: false, noEmit: true, target: "es2022", types: [] };
const lib = ["es2023", "dom", "dom.asynciterable"];

test("the package installs without a network, runs from JavaScript and checks from TypeScript, as its page does", async () => {
  await install();
  writeFileSync(join(folder, "use.js"), script);
  const { stdout } = await run(process.execPath, ["use.js"], { cwd: folder });
  assert.deepEqual(JSON.parse(stdout), { id: "usr_1", title: "Sign In Required" });

  const page = readFileSync(join(folder, "node_modules/tollgate-client/README.md"), "utf8");
  writeFileSync(join(folder, "use.ts"), program);
  writeFileSync(join(folder, "page.ts"), /^```ts\n([\s\S]*?)^```$/m.exec(page)![1]!);
  for (const module of [{ module: "nodenext" }, { module: "esnext", moduleResolution: "bundler" }]) {
    const config = { compilerOptions: { ...compilerOptions, lib, ...module }, files: ["use.ts", "page.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const { stdout: faults } = await run(tsc, ["-p", folder]).catch((error: { stdout: string }) => error);
    assert.equal(faults, "");
  }

  const installed = readdirSync(join(folder, "node_modules/tollgate-client"), { recursive: true }).map(
    String,
  );
  for (const path of ["LICENSE", "README.md", "dist/index.js", "dist/index.d.ts"]) {
    assert.ok(installed.includes(path), path);
  }
  assert.ok(!installed.some((path) => /(?<!\.d)\.ts$|test/.test(path)), installed.join());
});
