import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { worded } from "../lib/fault-words.ts";
import { type LimitId, limitIds } from "../limits/policies.ts";
import { SettingsError } from "./environment.ts";
import { aliasesField } from "./file.aliases.ts";
import { operationsField } from "./file.operations.ts";
import { pricesField } from "./file.prices.ts";

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and dashes");
/** How much a limit allows; 0 refuses everything. */
export const limitAmount = z.int().min(0).max(1_000_000_000);
export const planName = name;
export const planLimits = z.strictObject({
  requests_per_minute: limitAmount.optional(),
  tokens_per_minute: limitAmount.optional(),
  calls_in_flight: limitAmount.optional(),
  daily_requests: limitAmount.optional(),
});

const configFile = z.strictObject({
  /** Servers besides the ones with settings of their own. */
  providers: z
    .record(
      name,
      z.strictObject({
        base_url: z.url({ protocol: /^https?$/ }),
        /** Whose API it speaks. */
        dialect: z.enum(["openai", "anthropic"]).default("openai"),
        api_key: z
          .string()
          .refine((text) => !text.startsWith("os.environ/"), {
            message:
              "names a variable, which this file does not read; put the key into a file and name that by api_key_file",
          })
          .optional(),
        /** Instead of `api_key`: a file that holds it. */
        api_key_file: z.string().transform(readSecret).optional(),
        models: z.array(z.string()).default([]),
        reports_stream_usage: z.boolean().default(true),
        /** How it spells the limit on a chat's output. */
        output_limit: z.enum(["max_tokens", "max_completion_tokens"]).default("max_tokens"),
        /** It is asked for responses as they are; else they are translated. */
        speaks_responses: z.boolean().optional(),
      }),
    )
    .default({}),
  aliases: aliasesField,
  /** Named sets of limits, for users and keys. `default` is that of whoever has no other. */
  plans: z.record(planName, z.strictObject({ limits: planLimits })).default({}),
  /** How single limits work, where they differ from the others. */
  limits: z
    .partialRecord(
      z.enum(limitIds as [LimitId, ...LimitId[]]),
      z.strictObject({
        mode: z.enum(["off", "report", "enforce"]).optional(),
        fail_mode: z.enum(["local", "closed", "open"]).optional(),
        algorithm: z.enum(["anchored", "aligned", "sliding"]).optional(),
      }),
    )
    .default({}),
  /** Prices by `provider/model`. */
  prices: pricesField,
  /** What jobs can be asked to do, besides what is shipped. */
  operations: operationsField,
});

export type ConfigFile = z.infer<typeof configFile>;

function readSecret(path: string, context: z.RefinementCtx): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    context.addIssue({ code: "custom", message: "names a file that cannot be read" });
    return z.NEVER;
  }
}

const USUAL_FILE = "tollgate.yaml";

/** Reads the configuration file. Without `path`, `tollgate.yaml` in the working folder is read if it is there. */
export function readConfigFile(path: string | undefined): ConfigFile {
  if (path === undefined && !existsSync(USUAL_FILE)) return configFile.parse({});
  const file = path ?? USUAL_FILE;
  let content: unknown;
  try {
    content = parse(readFileSync(file, "utf8")) ?? {};
  } catch (cause) {
    throw new SettingsError([`${file} cannot be read as YAML: ${firstLine(cause)}`]);
  }
  const result = configFile.safeParse(content);
  if (result.success) return result.data;
  throw new SettingsError(
    result.error.issues.map((issue) => {
      const { path: at, message } = worded(issue);
      return `${file}: ${placeOf(at) || "top level"}: ${message}`;
    }),
  );
}

/** `aliases.fast.targets[1].weight` */
function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`,
    )
    .join("");
}

function firstLine(cause: unknown): string {
  return String(cause instanceof Error ? cause.message : cause).split("\n", 1)[0]!;
}
