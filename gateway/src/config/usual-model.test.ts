import assert from "node:assert/strict";
import { test } from "node:test";
import { usualModel } from "./usual-model.ts";

test("jobs use the provider's usual model, and the simulated one where none is configured", () => {
  const of = (name: string, models: readonly string[] = []) => usualModel({ name, models, simulated: false });
  assert.equal(usualModel({ name: "simulated", models: ["sim-words-200"], simulated: true }), "sim-echo");
  assert.equal(of("groq"), "groq/llama-3.3-70b-versatile");
  assert.equal(of("ollama", ["llama3.2", "qwen"]), "ollama/llama3.2");
  assert.equal(of("ollama"), undefined);
});
