import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { newHome, runTollgate, startTollgate } from "./server.ts";

test("in a folder without data a command says so and makes nothing, and keys can be issued", async () => {
  await using home = await newHome({ empty: true });
  for (const command of [
    ["keys", "list"],
    ["budgets", "show", "project", "1"],
  ]) {
    const { code, stderr } = await runTollgate(home, {}, command);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^No data in \S+ and no server there: run it in the server's folder, or set DATABASE_URL/,
    );
  }
  assert.equal(existsSync(join(home.folder, "data")), false);
  const issued = await runTollgate(home, {}, ["keys", "issue", "--name", "ci"]);
  assert.match(issued.stdout, /^sk-tg1_/, issued.stderr);
  const listed = await runTollgate(home, {}, ["keys", "list"]);
  assert.match(listed.stdout, /^PREFIX .* PLAN /);
});

test("a port that is taken is told with what to do", async () => {
  await using taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  await using home = await newHome();
  const { code, stderr } = await runTollgate(home, { PORT: String(port) }, ["serve"]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(`^Port ${port} at 127\\.0\\.0\\.1 is taken by another program\\. Set PORT=`),
  );
});

test("the request of the first start names a model that is answered there", async () => {
  await using home = await newHome();
  const config = `
providers: { local: { base_url: "http://127.0.0.1:9/v1", models: [llama3] } }
`;
  await using server = await startTollgate({ home, config });
  assert.match(server.stdout(), /-d '\{"model":"local\/llama3",/);
});

test("the command line of a clone runs from any folder", async () => {
  await using home = await newHome({ empty: true });
  const program = join(import.meta.dirname, "../bin/tollgate");
  const version = execFileSync(program, ["--version"], { cwd: home.folder, encoding: "utf8" });
  assert.match(version, /^\d+\.\d+\.\d+\n$/);
  const main = join(import.meta.dirname, "../gateway/src/main.ts");
  const launcher = join(import.meta.dirname, "../scripts/tollgate.mjs");
  const { status } = spawnSync(process.execPath, [launcher, main, "--version"], { cwd: home.folder });
  assert.equal(status, 0);
});
