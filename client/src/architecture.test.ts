import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Facts, isTest, readSources, violations } from "../../scripts/architecture.ts";
import { importsOf, sourceText } from "../../scripts/source-text.ts";

const files = readSources(import.meta.dirname);
const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as object;

/** The gateway's alone: its folders, and its doors to time, chance and network. */
const notOurs = new Set([
  "every folder has its place in the order",
  "a file imports only from folders in front of its own",
  "a door is opened in one file",
]);

test("the client keeps the rules of the house that are not about the gateway", () => {
  const facts: Facts = { tableOwners: {}, dependencies: [] };
  assert.deepEqual(
    violations(files, facts).filter(({ rule }) => !notOurs.has(rule)),
    [],
  );
});

test("what ships has no dependency, not even on Node, and imports only itself", () => {
  for (const field of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    assert.ok(!(field in manifest), field);
  }
  const shipped = [...files].filter(([path]) => !isTest(path));
  assert.ok(shipped.length > 30);
  for (const [path, source] of shipped) {
    for (const { from } of importsOf(sourceText(source))) {
      const depth = path.includes("/") ? "../" : "./";
      assert.ok(from.startsWith("./") || from.startsWith(depth), `${path} imports ${from}`);
    }
  }
});

test("time and chance are asked for in one place each", () => {
  const opening = (pattern: RegExp) =>
    [...files]
      .filter(([path, source]) => !isTest(path) && pattern.test(sourceText(source).code))
      .map(([path]) => path);
  assert.deepEqual(opening(/\bset(Timeout|Interval)\(/), ["clock.ts"]);
  assert.deepEqual(opening(/\bMath\.random\b/), ["client.options.ts"]);
});
