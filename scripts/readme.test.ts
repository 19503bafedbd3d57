import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { newHome, startTollgate } from "../acceptance/server.ts";
import { codeBlocks } from "./documents.ts";

/** The README's commands are run as they stand, against a server that was just started for the first time. */
const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const home = await newHome({ empty: true });
const server = await startTollgate({ home });
after(async () => {
  await server[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

async function run(program: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, TOLLGATE_KEY: server.firstKey };
  const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  assert.equal(code, 0, stderr);
  return stdout;
}

function here(block: string): string {
  return block.replaceAll("http://127.0.0.1:8080", server.url).replace(/^export TOLLGATE_KEY=.*$/m, "");
}

/** Each request by itself, with the lines that continue it. */
const requests = codeBlocks(readme, "sh").flatMap((block) => block.match(/^curl (?:.*\\\n)*.*$/gm) ?? []);

test("the first request of the README is answered", async () => {
  const answer = JSON.parse(await run("sh", ["-c", here(requests[0]!)])) as {
    choices: { message: { content: string } }[];
  };
  assert.equal(answer.choices[0]?.message.content, "Hello, Tollgate!");
});

test("the README's program streams with the official client", async () => {
  const [program] = codeBlocks(readme, "js");
  const said = await run(process.execPath, ["--input-type=module", "-e", here(program!)]);
  assert.equal(said.trim().split(/\s+/).length, 200);
});

test("the README's question for the day's costs finds both calls", async () => {
  const { totals } = JSON.parse(await run("sh", ["-c", here(requests[1]!)])) as { totals: { calls: number } };
  assert.equal(totals.calls, 2);
});

test("the README's person registers, signs in and makes a key of limited use", async () => {
  await run("sh", ["-c", here(requests[2]!)]);
  const { access_token } = JSON.parse(await run("sh", ["-c", here(requests[3]!)])) as {
    access_token: string;
  };
  const made = await run("sh", ["-c", here(requests[4]!).replace("$TOKEN", access_token)]);
  const key = JSON.parse(made) as { scopes: string[]; daily_quota: number; key: string };
  assert.deepEqual([key.scopes, key.daily_quota], [["inference:write"], 500]);
  assert.match(key.key, /^sk-tg1_/);
});

test("the README's commands make a project and a key that it pays for", async () => {
  const commands = codeBlocks(readme, "sh").flatMap(
    (block) => block.match(/(?<=^npm run tollgate -- ).*$/gm) ?? [],
  );
  assert.equal(commands.length, 2);
  for (const command of commands) {
    const { code, stderr } = await server.cli(...command.split(" "));
    assert.equal(code, 0, stderr);
  }
  const { items } = await server.ask<{ items: { name: string; project_id: number | null }[] }>(
    "keys",
    "list",
  );
  assert.equal(items.find(({ name }) => name === "demo")?.project_id, 1);
});
