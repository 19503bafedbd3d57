import { z } from "zod";
import { jsonIn } from "./calls/json-answer.ts";
import { MAX_OUTPUT_TOKENS } from "./costs/bound.fields.ts";
import { type FieldFault, TollgateError } from "./lib/errors.ts";
import type { AiQuestion, JsonSchema } from "./plugin.ts";

/** What a handler asks a model, in a form that can be sent. */
export type ReadQuestion<T> = {
  /** A chat completion in OpenAI's format. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal | undefined;
  /** What the answer says, if it is JSON that fits the schema. Undefined: none was asked for. */
  readonly fitting: ((text: string) => T | undefined) | undefined;
};

/** Throws VALIDATION_FAILED with the path of every offending field, before anything is paid. */
export function readQuestion<T>(given: AiQuestion<T>, usualModel: string | undefined): ReadQuestion<T> {
  const faults = question.safeParse(given).error?.issues.flatMap(faultsOf) ?? [];
  if (faults.length > 0) throw invalid(faults);
  const { messages, model, maxTokens, temperature, schema, signal } = given;
  const answer = schema === undefined ? undefined : answerOf(schema);
  const body = {
    model: model ?? usualModel,
    messages,
    ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(answer === undefined
      ? {}
      : {
          response_format: { type: "json_schema", json_schema: { name: "answer", schema: answer.json } },
        }),
  };
  return { body, signal, fitting: answer?.fitting };
}

const LIST_OF_MESSAGES = "must be a list of at least one message";

const question = z.strictObject(
  {
    messages: z
      .array(
        z.object(
          {
            role: z.enum(["system", "developer", "user", "assistant"]),
            content: z.union([z.string(), z.array(z.looseObject({ type: z.string() })).min(1)], {
              error: "must be a text or a list of parts that have a type",
            }),
          },
          { error: "must be an object with role and content" },
        ),
        { error: LIST_OF_MESSAGES },
      )
      .min(1, { error: LIST_OF_MESSAGES }),
    model: z.string().min(1).optional(),
    maxTokens: z.int().min(1).max(MAX_OUTPUT_TOKENS).optional(),
    temperature: z.number().min(0).optional(),
    schema: z.custom(isSchema, { error: "must be a type of zod 4 or a JSON Schema" }).optional(),
    signal: z.instanceof(AbortSignal).optional(),
  },
  { error: ({ code }) => (code === "invalid_type" ? "must be an object with messages" : undefined) },
);

/** Types of older zod look like JSON Schemas that say nothing. */
function isSchema(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return schema === undefined;
  return "_zod" in schema || !("_def" in schema);
}

function faultsOf(issue: z.core.$ZodIssue): readonly FieldFault[] {
  const { path, message } = issue;
  const at = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  if (issue.code !== "unrecognized_keys") return [{ path: at.replace(/^\./, ""), message }];
  return issue.keys.map((key) => ({
    path: `${at}.${key}`.replace(/^\./, ""),
    message: "is not a known field",
  }));
}

function invalid(faults: readonly FieldFault[]): TollgateError {
  return new TollgateError("VALIDATION_FAILED", { faults });
}

/** A schema as a provider is told it, and as the answer is read. */
function answerOf<T>(schema: z.ZodType<T> | JsonSchema): {
  readonly json: unknown;
  fitting(text: string): T | undefined;
} {
  try {
    const type = isZod(schema) ? schema : (z.fromJSONSchema(schema) as z.ZodType<T>);
    const json = isZod(schema) ? z.toJSONSchema(schema, { unrepresentable: "any" }) : schema;
    return { json, fitting: (text) => type.safeParse(jsonIn(text)).data };
  } catch (error) {
    throw invalid([{ path: "schema", message: `cannot be read: ${String(error)}` }]);
  }
}

/** An app may have a zod of its own. */
function isZod<T>(schema: z.ZodType<T> | JsonSchema): schema is z.ZodType<T> {
  return "_zod" in schema;
}
