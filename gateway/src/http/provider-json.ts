import { z } from "zod";
import { isoTime } from "../lib/clock.ts";
import type { WantedProvider } from "../providers/change-provider.ts";
import type { KnownProvider } from "../providers/known.ts";
import { simulatedModels } from "../providers/simulated.models.ts";
import type { Trial } from "../providers/try-provider.ts";
import { spokenBy } from "../providers/upstream.ts";
import { plainText } from "./fields.ts";

const dialect = z.enum(["openai", "anthropic"]);

/** What a header can carry. Never repeated in a message. */
const credential = z
  .string()
  .regex(/^[\x21-\x7e]{1,4000}$/, "must be visible ASCII characters without blanks, 4000 at most");

export const providerFields = z.strictObject({
  dialect: dialect.default("openai"),
  base_url: plainText.max(2_000),
  api_key: credential
    .nullish()
    .meta({ description: "Left out: the one it has, if it stays at the same server. Null: none." }),
  models: z.array(plainText.min(1).max(256)).max(1_000).default([]),
  reports_stream_usage: z.boolean().default(true),
  speaks_responses: z
    .boolean()
    .optional()
    .meta({ description: "Of the dialect openai. Left out: those that are called openai or xai do." }),
});

export const providerShape = z
  .object({
    name: z.string(),
    source: z.enum(["settings", "file", "stored", "built-in"]),
    dialect: dialect.nullable(),
    base_url: z.string().nullable(),
    models: z.array(z.string()),
    reports_stream_usage: z.boolean(),
    speaks_responses: z
      .boolean()
      .meta({ description: "It is asked for responses as they are; else they are translated." }),
    has_credential: z.boolean(),
    credential_hint: z
      .string()
      .nullable()
      .meta({ description: "Its last four characters, of one with sixteen or more." }),
    fault: z.string().nullable().meta({ description: "Why it is not asked." }),
    updated_at: z.string().nullable(),
    updated_by: z.string().nullable(),
  })
  .meta({ id: "Provider" });

export const trialShape = z
  .object({
    reachable: z.boolean(),
    status: z.int().nullable(),
    latency_ms: z.int(),
    detail: z.string(),
  })
  .meta({ id: "ProviderTrial" });

export type ProviderJson = z.infer<typeof providerShape>;
export type TrialJson = z.infer<typeof trialShape>;

export function providerJson(known: KnownProvider): ProviderJson {
  const { name, source, upstream, hasCredential, fault, updatedAt, updatedBy } = known;
  const models = upstream?.models ?? simulatedModels.map(({ example }) => example);
  return {
    name,
    source,
    dialect: upstream?.dialect ?? null,
    base_url: upstream?.baseUrl ?? null,
    models: [...models],
    reports_stream_usage: upstream?.reportsStreamUsage ?? true,
    speaks_responses: upstream === undefined || spokenBy(upstream).includes("openai-responses"),
    has_credential: hasCredential,
    credential_hint: hintOf(upstream?.apiKey),
    fault: fault ?? null,
    updated_at: updatedAt === undefined ? null : isoTime(updatedAt.getTime()),
    updated_by: updatedBy ?? null,
  };
}

const SHORTEST_HINTED = 16;

/** Of a short one, four characters would say too much. */
function hintOf(apiKey: string | undefined): string | null {
  return apiKey === undefined || apiKey.length < SHORTEST_HINTED ? null : apiKey.slice(-4);
}

export function wantedProvider(fields: z.infer<typeof providerFields>): WantedProvider {
  const { dialect, base_url, api_key, models, reports_stream_usage, speaks_responses } = fields;
  return {
    dialect,
    baseUrl: base_url,
    apiKey: api_key,
    models: [...new Set(models)],
    reportsStreamUsage: reports_stream_usage,
    speaksResponses: speaks_responses,
  };
}

export function trialJson({ reachable, status, latencyMs, detail }: Trial): TrialJson {
  return { reachable, status: status ?? null, latency_ms: latencyMs, detail };
}
