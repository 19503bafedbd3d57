import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scopes, scopesOfRole } from "../gateway/src/access/permissions.ts";
import { settings } from "../gateway/src/config/settings.ts";
import { limitIds } from "../gateway/src/limits/policies.ts";
import { codeBlocks, type Document, documentFaults, readDocuments } from "./documents.ts";
import { limitSources, limitsMet } from "./limit-rows.ts";

const root = join(import.meta.dirname, "..");

test("the documents say nothing that is not so", () => {
  assert.deepEqual(documentFaults(root, readDocuments(root)), []);
});

test("a document that names what does not exist is found out", () => {
  const faults = (text: string, path = "docs/planted.md") =>
    documentFaults(root, [{ path, text } satisfies Document]);
  assert.equal(faults("See `costs/nowhere.ts`.").length, 1);
  assert.equal(faults("See `nowhere/`.").length, 1);
  assert.equal(faults("See [there](nowhere.md).").length, 1);
  assert.equal(faults('`lib/money.test.ts`: "a promise that nobody made"').length, 1);
  assert.equal(faults("```ts\n// lib/money.ts\nexport type Pico = number;\n```").length, 1);
  assert.equal(faults("```sh\nrm -rf .tollgate\n```", "README.md").length, 1);
  assert.equal(faults("line\n".repeat(251), "ARCHITECTURE.md").length, 1);
  assert.equal(faults("nothing", "CHANGELOG.md").length, 1);
});

test("a document that the index leaves out is found out, and so is a package's page with a link into the repository", () => {
  const index = readFileSync(join(root, "docs/README.md"), "utf8");
  const faults = (path: string, text: string) => documentFaults(root, [{ path, text }]);
  const less = index.replace(/\[[^\]]*\]\(start\.md\)/, "");
  assert.ok(faults("docs/README.md", less).includes("docs/README.md does not list start.md"));
  assert.equal(faults("client/README.md", "[The source](package.json)").length, 1);
});

test("a document that types a command or a flag that does not exist is found out", () => {
  const faults = (text: string) => documentFaults(root, [{ path: "docs/planted.md", text }]);
  assert.deepEqual(faults("```sh\nnpm run tollgate -- keys steal --name x\n```"), [
    'docs/planted.md types "tollgate keys steal --name x": there is no command keys steal',
  ]);
  assert.equal(faults("```sh\nKEY=$(npx tollgate keys issue --nmae x \\\n  --scope y)\n```").length, 2);
  assert.equal(faults("Run `tollgate bugdets show project 1` now.").length, 1);
  const text =
    "```sh\n# tollgate dance\nnpm run tollgate -- keys issue --name 'my key' --json | jq .key\n```\n" +
    "`tollgate limits`, `tollgate help keys`, `tollgate keys list --user <id>`, `tollgate keys …`, the tollgate opens";
  assert.deepEqual(faults(text), []);
});

test("what exists is named freely", () => {
  const text =
    "`lib/money.ts`, `costs/`, `store/migrations/*.up.sql`, `.ci/run`, `openai/gpt-5.1`, [here](../README.md)";
  assert.deepEqual(documentFaults(root, [{ path: "docs/planted.md", text }]), []);
});

test("every requirement has a row that says where it stands, and what stands has a test", () => {
  const text = readFileSync(join(root, "docs/requirements.md"), "utf8");
  const faults = (changed: string) => documentFaults(root, [{ path: "docs/requirements.md", text: changed }]);
  assert.deepEqual(faults(text), []);
  assert.equal(faults(text.replace(/^\| J1 /m, "| J9 ")).length, 1);
  assert.equal(faults(text.replace(/^(\| J1\s+\| )\w+/m, "$1perhaps")).length, 1);
  assert.equal(faults(`${text}\n| X9 | done | somewhere | trust us |`).length, 1);
});

test("the security page says which role has which scope", () => {
  const text = readFileSync(join(root, "docs/security.md"), "utf8");
  const said = [...text.matchAll(/^\| `([a-z]+:[a-z*]+)` +\|[^|]+\| ([a-z, ]+?) +\|$/gm)];
  const roles = ["admin", "manager", "developer", "viewer"] as const;
  assert.deepEqual(
    said.map(([, scope, who]) => [scope, who]),
    scopes.map((scope) => [scope, roles.filter((role) => scopesOfRole[role].has(scope)).join(", ")]),
  );
});

test("the limits page names the setting that each limit takes its number from", () => {
  for (const id of limitIds) {
    const names = limitSources[id].filter((source) => Object.hasOwn(settings, source));
    if (names.length === 0) continue;
    const changed = limitsMet(Object.fromEntries(names.map((name) => [name, "7"])), {});
    const found = changed.filter(({ limit }) => limit.id === id);
    assert.ok(found.length > 0 && found.every(({ limit }) => limit.limit === 7), id);
  }
});

test("code blocks are found by their language", () => {
  assert.deepEqual(codeBlocks("```sh\nnpm start\n```\n\n```js\nrun();\n```", "js"), ["run();\n"]);
});
