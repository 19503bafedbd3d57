import { z } from "zod";
import { scopes } from "../access/permissions.ts";
import { shippedOperations } from "../jobs/operations.shipped.ts";
import { type DeclaredOperation, declaredOperation, type Operations } from "../jobs/operations.ts";

const operationName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "must be lower-case letters, digits, dots, dashes and underscores");

/** What jobs can be asked to do: one chat completion each, made of the job's payload. */
export const operationsField = z
  .record(
    operationName,
    z
      .strictObject({
        /** Endpoint class of its calls on the ledger. */
        class: z.enum(["capture", "query", "plan", "assist", "chat"]).optional(),
        /** What the creator's key must allow besides `jobs:write`. */
        scope: z.enum(scopes).optional(),
        system: z.string().optional(),
        /** `{{field}}` stands for a field of the payload, `{{field?}}` for one that may be left out. */
        prompt: z.string().min(1),
        model: z.string().min(1).max(256).optional(),
        max_tokens: z.int().min(1).max(1_000_000).optional(),
        max_retries: z.int().min(0).max(20).optional(),
        /** JSON Schema of the answer. */
        output_schema: z.record(z.string(), z.json()).transform(readSchema).optional(),
      })
      .transform(
        (row): DeclaredOperation => ({
          endpointClass: row.class,
          scope: row.scope,
          system: row.system,
          prompt: row.prompt,
          model: row.model,
          maxTokens: row.max_tokens,
          maxRetries: row.max_retries,
          output: row.output_schema,
        }),
      ),
  )
  .default({});

function readSchema(schema: Readonly<Record<string, unknown>>, context: z.RefinementCtx): z.ZodType {
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.addIssue({ code: "custom", message: `is no JSON Schema that is understood here: ${reason}` });
    return z.NEVER;
  }
}

/** All operations; those of the file go before shipped ones of the same name. */
export function operationsOf({
  operations,
}: {
  readonly operations: Readonly<Record<string, DeclaredOperation>>;
}): Operations {
  const declared = Object.entries(operations).map(([name, row]) => declaredOperation(name, row));
  return new Map([...shippedOperations, ...declared].map((operation) => [operation.name, operation]));
}
