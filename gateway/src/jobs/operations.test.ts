import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { shippedOperations } from "./operations.shipped.ts";
import { bodyOf, declaredOperation } from "./operations.ts";
import { resultOf } from "./perform.ts";

const shipped = (name: string) => shippedOperations.find((operation) => operation.name === name)!;
const faultsOf = (name: string, payload: unknown) =>
  shipped(name)
    .payload.safeParse(payload)
    .error?.issues.map(({ path }) => path.join(".")) ?? [];

test("a feature is asked for by its task or its title, with a description if wanted", () => {
  assert.deepEqual(faultsOf("implement_feature", { task: "Build login page" }), []);
  assert.deepEqual(
    faultsOf("implement_feature", { title: "Login", description: "By e-mail", model: "x" }),
    [],
  );
  assert.deepEqual(faultsOf("implement_feature", {}), ["task"]);
  assert.deepEqual(faultsOf("implement_feature", { task: "a", title: "b" }), ["task"]);
  const { messages, model } = bodyOf(
    shipped("implement_feature"),
    { title: "Login", description: "By e-mail", model: "gpt-5.1" },
    "sim-echo",
  ) as { messages: { role: string; content: string }[]; model: string };
  assert.equal(model, "gpt-5.1");
  assert.deepEqual(
    messages.map(({ role }) => role),
    ["system", "user"],
  );
  assert.equal(messages[1]!.content, "Login\n\nBy e-mail");
});

test("what a payload says is never read as a template", () => {
  const operation = declaredOperation("greet", { prompt: "Hello {{name}}, {{ greeting? }}{{constructor?}}" });
  const { messages } = bodyOf(operation, { name: "{{greeting}} $& $1" }, "m") as {
    messages: { content: string }[];
  };
  assert.deepEqual(messages, [{ role: "user", content: "Hello {{greeting}} $& $1," }]);
});

test("lists are filled in comma-separated, other values as JSON", () => {
  const operation = declaredOperation("show", {
    prompt: "{{a}} {{b}} {{c}} {{d}}",
    maxTokens: 9,
    model: "m",
  });
  assert.deepEqual(bodyOf(operation, { a: ["x", "y"], b: 5, c: { k: [1] }, d: [1, "x"] }, undefined), {
    model: "m",
    messages: [{ role: "user", content: 'x, y 5 {"k":[1]} [1,"x"]' }],
    max_tokens: 9,
  });
});

test("an answer is its text, or what it says as JSON where the operation wants that", () => {
  assert.deepEqual(resultOf(shipped("summarize"), { text: "…" }, "Short."), { text: "Short." });
  const payload = { text: "Ann, 31", fields: ["name", "age"] };
  assert.deepEqual(resultOf(shipped("extract"), payload, '```json\n{"name":"Ann","age":31}\n```'), {
    name: "Ann",
    age: 31,
  });
  const labels = { text: "…", labels: ["good", "bad"] };
  assert.deepEqual(resultOf(shipped("classify"), labels, ' {"label":"good"} '), { label: "good" });
});

test("a wrong answer is a failed attempt, and says why", () => {
  const wrong = (text: string) => () => resultOf(shipped("classify"), { labels: ["good", "bad"] }, text);
  assert.throws(wrong("good"), /it is not JSON/);
  assert.throws(wrong('{"label":"ugly"}'), /label /);
  const strict = declaredOperation("count", { prompt: "?", output: z.number() });
  assert.throws(() => resultOf(strict, {}, '"5"'), /number/);
});

test("an answer that is nested deeper than 64 levels is a failed attempt", () => {
  const anything = declaredOperation("any", { prompt: "?", output: z.unknown() });
  const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  assert.ok(Array.isArray(resultOf(anything, {}, nested(64))));
  for (const levels of [65, 100_000]) {
    assert.throws(() => resultOf(anything, {}, nested(levels)), /nested deeper than 64 levels/);
  }
  assert.throws(() => resultOf(shipped("extract"), { fields: ["a"] }, `{"a":${nested(64)}}`), /nested/);
});
