import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { fieldsOf } from "./json.ts";
import { filled } from "./simulated.fill.ts";
import { scriptOf } from "./simulated.script.ts";

const schema = z.object({
  title: z.string().max(8),
  tags: z.array(z.string()),
  marks: z.array(z.number().min(3)).min(1),
  kind: z.enum(["note", "task"]),
  actions: z.array(z.object({ text: z.string(), due: z.string().nullable(), done: z.boolean() })),
});
const expected = {
  title: "Call Ann",
  tags: [],
  marks: [3],
  kind: "note",
  actions: [{ text: "Call Anna", due: null, done: false }],
};

test("a schema is filled with the text, and what comes out fits it", () => {
  const json = filled(z.toJSONSchema(schema) as Record<string, unknown>, "Call Anna");
  assert.deepEqual(json, expected);
  assert.ok(schema.safeParse(json).success);
});

test("a schema without an end is not followed for ever", () => {
  const endless: Record<string, unknown> = { type: "object" };
  endless.properties = { again: endless };
  assert.equal(typeof filled(endless, "x"), "object");
});

test("an echo that is asked for a schema in chat, responses or messages fills it, as models do", () => {
  const json = z.toJSONSchema(schema);
  const say = { role: "user", content: "Call Anna" };
  const named = { name: "answer", schema: json, strict: true };
  const asked = {
    "/chat/completions": {
      messages: [say],
      response_format: { type: "json_schema", json_schema: named },
    },
    "/responses": { input: "Call Anna", text: { format: { type: "json_schema", ...named } } },
    "/v1/messages": {
      ...{ messages: [say], max_tokens: 500 },
      output_config: { format: { type: "json_schema", schema: json } },
    },
  };
  for (const [path, body] of Object.entries(asked)) {
    const headers = { "anthropic-version": "2023-06-01" };
    const bytes = Buffer.from(JSON.stringify({ model: "sim-echo", ...body }));
    const { status, steps } = scriptOf({ path, headers, body: bytes });
    const answer = Buffer.concat(steps.map((step) => ("bytes" in step ? step.bytes : Buffer.alloc(0))));
    assert.equal(status, 200, answer.toString());
    assert.ok(answer.includes(JSON.stringify(JSON.stringify(expected))), `${path} ${answer}`);
  }
  assert.deepEqual(fieldsOf(json).type, "object");
});
