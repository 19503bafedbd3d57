import assert from "node:assert/strict";
import { test } from "node:test";
import { clientSchema, typeOf } from "./client-schema.ts";
import type { Json } from "./openapi.ts";

test("each kind of schema has its type", () => {
  const cases: readonly (readonly [schema: Json, type: string])[] = [
    [{ type: "integer", minimum: 0 }, "number"],
    [{ type: ["string", "null"] }, "string | null"],
    [{ anyOf: [{ type: "number" }, { type: "null" }] }, "number | null"],
    [{ type: "string", enum: ["a", "b"] }, '"a" | "b"'],
    [{ const: "ok" }, '"ok"'],
    [{ $ref: "#/components/schemas/ApiKey" }, "ApiKey"],
    [
      { type: "array", items: { anyOf: [{ type: "string" }, { type: "number" }] } },
      "readonly (string | number)[]",
    ],
    [{}, "unknown"],
    [true, "unknown"],
    [{ type: "object", additionalProperties: { type: "boolean" } }, "{ readonly [name: string]: boolean; }"],
    [
      { type: "object", propertyNames: { enum: ["a"] }, additionalProperties: { type: "number" } },
      '{ readonly [name in "a"]?: number }',
    ],
    [
      { type: "object", properties: { a: { type: "string" }, "b-c": { type: "number" } }, required: ["a"] },
      '{ readonly a: string; readonly "b-c"?: number; }',
    ],
  ];
  for (const [schema, type] of cases) assert.equal(typeOf(schema, false), type);
  const optional = { type: "object", properties: { a: { type: "string" } } };
  assert.equal(typeOf(optional, true), "{ readonly a?: string | undefined; }");
});

test("an operation says what stands in its path and query, what it takes and what it answers", () => {
  const text = clientSchema({
    paths: {
      "/toll/{id}": {
        put: {
          summary: "Sets a toll.",
          parameters: [
            { name: "id", in: "path", required: true, schema: { type: "string" } },
            { name: "dry", in: "query", schema: { type: "boolean" } },
          ],
          requestBody: { content: { "application/json": { schema: { type: "number" } } } },
          responses: { "204": { description: "Done." } },
        },
      },
      "/toll/{id}/": {},
    },
    components: { schemas: {} },
  });
  assert.ok(
    text.includes(`  /** Sets a toll. */
  "PUT /toll/{id}": {
    readonly path: { readonly id: string | number; };
    readonly query: { readonly dry?: boolean | undefined; };
    readonly body: number;
    readonly answer: undefined;
  };`),
    text,
  );
  assert.ok(!text.includes('/toll/{id}/"'));
});
