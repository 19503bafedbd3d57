import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram } from "../examples/running.ts";
import { readSettings } from "../gateway/src/config/environment.ts";
import { readConfigFile } from "../gateway/src/config/file.ts";
import { type Block, blocksOf, filledIn, isSaid } from "./blocks.ts";
import { type Clone, newClone } from "./clone.ts";
import { readDocuments } from "./documents.ts";

/**
 * README.md and docs/start.md are followed in a clone, block by block, as they stand, one after the other. Two ports are changed, for they may be taken here; `sk-tg1_…` is what was printed before, and `sk-…` a key
 * of the reader's.
 */
const root = join(import.meta.dirname, "..");
const SERVER = /npm start$/;
const APP = /app\.ts$/;
const REFUSED = /"error":\s*\{\s*"code"/;

/** Blocks that no test can follow: a part of each, and why. */
type Exceptions = readonly (readonly [part: string, reason: string])[];
const needsServices = [
  "export DATABASE_URL=",
  "needs PostgreSQL and Redis: acceptance/start.services.test.ts",
] as const;
const followed: Readonly<Record<string, Exceptions>> = {
  "README.md": [needsServices],
  "docs/start.md": [['"model": "fast"', "asks OpenAI"], needsServices],
};

test("every block of README.md and then docs/start.md does what it says, as it stands", async () => {
  const [port, appPort] = [await freePort(), await freePort()];
  const here = (text: string) =>
    text
      .replaceAll("127.0.0.1:8080", `127.0.0.1:${port}`)
      .replaceAll("127.0.0.1:3000", `127.0.0.1:${appPort}`)
      .replaceAll("port: 3000", `port: ${appPort}`)
      .replaceAll("sk-…", "sk-of-the-reader");
  await using clone = newClone(port);
  for (const document of Object.keys(followed)) await followDocument(clone, document, here);
});

test("every configuration file in the documents is one that the server reads", () => {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-yaml-"));
  const secret = join(folder, "secret");
  writeFileSync(secret, "a provider's key");
  const ours = readDocuments(root)
    .flatMap(({ text }) => blocksOf(text))
    .filter(({ language, file }) => language === "yaml" && file !== "config.yaml");
  assert.ok(ours.length >= 5);
  for (const [index, { text }] of ours.entries()) {
    const path = join(folder, `${index}.yaml`);
    writeFileSync(path, text.replaceAll(/(?<=api_key_file: )\S+/g, secret));
    readConfigFile(path);
  }
  rmSync(folder, { recursive: true });
});

test("a block is saved under the name before it, and what follows it is what it says, up to a heading", () => {
  const document =
    "As `a.mjs`:\n\n```js\nrun();\n```\n\n```sh\nnode a.mjs\n```\n\nsays\n\n```text\n1\n```\n\n## B\n\n```text\n┌─┐\n```\n";
  assert.deepEqual(blocksOf(document), [
    { language: "js", text: "run();\n", file: "a.mjs", shown: [] },
    { language: "sh", text: "node a.mjs\n", file: undefined, shown: ["1\n"] },
  ]);
});

test("what is shown must be said, in its order; a … stands for anything", () => {
  assert.ok(isSaid('{ "id": 1, … "paid": true }', '{"id":1,"name":"x","paid":true}'));
  assert.ok(!isSaid('{ "paid": true, … "id": 1 }', '{"id":1,"name":"x","paid":true}'));
});

test("the first secret that was printed is the one to copy, whatever was printed later", () => {
  const said = "sk-tg1_first\nit-tg1_setup\nsk-tg1_second\n";
  assert.equal(filledIn("sk-tg1_… it-tg1_… sk-…", said), "sk-tg1_first it-tg1_setup sk-…");
  assert.equal(filledIn("eyJ…", said), "eyJ…");
});

/** @param here what stands in a block, as it is on this machine. */
async function followDocument(clone: Clone, document: string, here: (text: string) => string): Promise<void> {
  const blocks = blocksOf(readFileSync(join(root, document), "utf8"));
  const exceptions = followed[document]!;
  for (const [part] of exceptions) {
    assert.equal(blocks.filter(({ text }) => text.includes(part)).length, 1, `blocks with ${part}`);
  }
  for (const block of blocks) {
    if (exceptions.some(([part]) => block.text.includes(part))) {
      readSettings(exported(block.text));
      continue;
    }
    const said = await follow(clone, { ...block, text: filledIn(here(block.text), clone.said()) });
    for (const shown of block.shown)
      assert.ok(isSaid(shown, said), `${shown}\nis not what was said:\n${said}`);
    assert.ok(!REFUSED.test(said) || block.shown.some((shown) => REFUSED.test(shown)), said);
  }
}

/** Does with a block what a reader does, and answers what was said then. */
async function follow(clone: Clone, { language, text, file }: Block): Promise<string> {
  const shell = text.trim();
  if (language === "sh" && SERVER.test(shell)) {
    await clone.interrupt(SERVER);
    await clone.open(shell, "Tollgate is listening");
    return "";
  }
  if (language === "sh" && APP.test(shell)) {
    await clone.interrupt(APP);
    await clone.open(shell, "http://127.0.0.1:");
    return "";
  }
  if (language === "sh") return clone.type(shell);
  assert.ok(["js", "ts", "yaml"].includes(language), `nobody knows what to do with ${language}`);
  const saved = file ?? "block.mjs";
  writeFileSync(join(clone.folder, saved), text);
  if (language === "ts") await compile(clone.folder, saved);
  return language === "js" && file === undefined ? clone.type("node block.mjs") : "";
}

/** As the repository's own code is checked. */
async function compile(cwd: string, file: string): Promise<void> {
  const config = { extends: join(root, "tsconfig.json"), files: [file], include: [] };
  writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify(config));
  await runProgram(join(root, "node_modules/.bin/tsc"), ["-p", "."], { cwd });
}

/** The variables that a block exports; what a program would print is 64 digits. */
function exported(text: string): Record<string, string> {
  const found = [...text.matchAll(/^export (\w+)=(.*)$/gm)];
  return Object.fromEntries(
    found.map(([, name, value]) => [name, value!.replace(/^\$\(.*\)$/, "0".repeat(64))]),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
