import { z } from "zod";
import type { Scope } from "../access/permissions.ts";
import { filled, type Template, template } from "./template.ts";

/** Something that jobs can be asked to do: one chat completion, made of the job's payload. */
export type Operation = {
  /** The jobs' type, and their name on the ledger. */
  readonly name: string;
  /** What the creator must be allowed besides making jobs. */
  readonly scope: Scope | undefined;
  /** Of its calls on the ledger. */
  readonly endpointClass: string;
  readonly payload: z.ZodType<Readonly<Record<string, unknown>>>;
  readonly system: Template;
  readonly prompt: Template;
  /** Undefined: the payload's, else that of the settings. */
  readonly model: string | undefined;
  readonly maxTokens: number | undefined;
  readonly maxRetries: number | undefined;
  /** What a right answer is, for this payload; undefined: any text. */
  readonly output: ((payload: Readonly<Record<string, unknown>>) => z.ZodType) | undefined;
};

export type Operations = ReadonlyMap<string, Operation>;

/** An operation of the configuration file. */
export type DeclaredOperation = {
  readonly endpointClass?: string | undefined;
  readonly scope?: Scope | undefined;
  readonly system?: string | undefined;
  readonly prompt: string;
  readonly model?: string | undefined;
  readonly maxTokens?: number | undefined;
  readonly maxRetries?: number | undefined;
  /** The answer is JSON that fits. */
  readonly output?: z.ZodType | undefined;
};

const value = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.json()),
  z.record(z.string(), z.json()),
]);
export const modelField = z.string().trim().min(1).max(256).optional();

/** Its payload has the fields that its texts name, and `model` unless that is fixed. */
export function declaredOperation(name: string, declared: DeclaredOperation): Operation {
  const { output, model } = declared;
  const system = template(declared.system ?? "");
  const prompt = template(declared.prompt);
  const named = [...system.fields, ...prompt.fields];
  const fields = named.map(({ name: field }) => {
    const isOptional = named.every((one) => one.name !== field || one.isOptional);
    return [field, isOptional ? value.nullish() : value] as const;
  });
  return {
    name,
    scope: declared.scope,
    endpointClass: declared.endpointClass ?? "chat",
    payload: z.strictObject({
      ...(model === undefined ? { model: modelField } : {}),
      ...Object.fromEntries(fields),
    }),
    system,
    prompt,
    model,
    maxTokens: declared.maxTokens,
    maxRetries: declared.maxRetries,
    output: output === undefined ? undefined : () => output,
  };
}

/** What it takes to make such a job. */
export function scopesOf({ scope }: Operation): readonly Scope[] {
  return scope === undefined ? ["jobs:write"] : ["jobs:write", scope];
}

/** The body of the operation's call for a payload that it took. @param usualModel where nothing names another. */
export function bodyOf(
  { system, prompt, model, maxTokens }: Operation,
  payload: Readonly<Record<string, unknown>>,
  usualModel: string | undefined,
): Readonly<Record<string, unknown>> {
  const user = { role: "user", content: filled(prompt, payload).trim() };
  return {
    model: model ?? payload.model ?? usualModel,
    messages: system.text === "" ? [user] : [{ role: "system", content: filled(system, payload) }, user],
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
  };
}
