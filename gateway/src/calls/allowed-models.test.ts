import assert from "node:assert/strict";
import { test } from "node:test";
import { grant } from "../identity/testing.ts";
import { mayUse } from "./allowed-models.ts";

const fast = { asked: "fast", provider: "openai", model: "gpt-5.1" };

test("a key may use a model by the name asked for, by its full name, or with all of its provider", () => {
  for (const [allowed, isAllowed] of [
    [["fast"], true],
    [["openai/gpt-5.1"], true],
    [["groq/*", "openai/*"], true],
    [["gpt-5.1"], false],
    [["openai/gpt-5"], false],
    [["openai"], false],
    [["*"], false],
    [["groq/*"], false],
    [[], false],
  ] as const) {
    assert.equal(mayUse(grant({ allowedModels: allowed }), fast), isAllowed, allowed.join());
  }
});

test("without a key, or with a key that names no models, every model may be used", () => {
  assert.ok(mayUse(undefined, fast));
  assert.ok(mayUse(grant(), fast));
});
