import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { operationsOf } from "./file.operations.ts";
import { readConfigFile } from "./file.ts";

const folder = mkdtempSync(join(tmpdir(), "tollgate-file-"));
after(() => rmSync(folder, { recursive: true }));

function read(yaml: string) {
  const path = join(folder, "tollgate.yaml");
  writeFileSync(path, yaml);
  return operationsOf(readConfigFile(path));
}

test("without any, there are those that are shipped", () => {
  assert.deepEqual([...read("").keys()], ["implement_feature", "summarize", "extract", "classify"]);
});

test("an operation of the file takes the payload that its texts name, and goes before a shipped one", () => {
  const operations = read(`
operations:
  translate:
    scope: thoughts:write
    class: plan
    system: "Translate into {{language}}. {{tone?}}"
    prompt: "{{text}}"
    max_tokens: 300
    max_retries: 1
    output_schema: { type: object, properties: { text: { type: string } }, required: [text] }
  summarize: { prompt: "Shorter: {{text}}", model: sim-words-5 }
`);
  const translate = operations.get("translate")!;
  const { scope, endpointClass, maxTokens, maxRetries } = translate;
  assert.deepEqual([scope, endpointClass, maxTokens, maxRetries], ["thoughts:write", "plan", 300, 1]);
  const accepted = (payload: object) => translate.payload.safeParse(payload).success;
  assert.ok(accepted({ language: "fr", text: "Hi" }));
  assert.ok(accepted({ language: "fr", text: "Hi", tone: "formal", model: "sim-echo" }));
  assert.ok(!accepted({ language: "fr" }));
  assert.ok(!accepted({ language: "fr", text: "Hi", extra: 1 }));
  assert.ok(translate.output!({}).safeParse({ text: "Salut" }).success);
  assert.ok(!translate.output!({}).safeParse({ text: 5 }).success);
  const summarize = operations.get("summarize")!;
  assert.ok(!summarize.payload.safeParse({ text: "Hi", model: "sim-echo" }).success, "its model is fixed");
});

for (const [what, row, fault] of [
  ["a bad name", "Bad Name: { prompt: x }", /operations\.Bad Name: must be lower-case/],
  ["no prompt", "a: { system: x }", /operations\.a\.prompt/],
  ["an unknown scope", "a: { prompt: x, scope: all }", /operations\.a\.scope/],
  [
    "a schema that is none",
    "a: { prompt: x, output_schema: { type: strin } }",
    /operations\.a\.output_schema: is no JSON Schema/,
  ],
] as const) {
  test(`${what} stops the start`, () => {
    assert.throws(() => read(`operations:\n  ${row}`), fault);
  });
}
