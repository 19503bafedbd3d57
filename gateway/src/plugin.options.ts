import { z } from "zod";
import type { Host } from "./http/declared-routes.ts";
import type { Log } from "./telemetry/log.ts";

/** What an app says as it registers the plugin. */
export type TollgateOptions = {
  /** As in the environment, which they are if left out. */
  readonly settings?: Readonly<Record<string, string | undefined>>;
  /** What becomes of routes that do not say `config.tollgate`: else `allow`. `deny` stops the start. */
  readonly ungoverned?: Host["ungoverned"];
  /** Who answers a refusal of a governed route: else `envelope`. `app`: its own error handlers, as any error. */
  readonly refusals?: Host["refusals"];
  /** Takes the plugin's log lines, by its own level: `app.log`. Else they are JSON on stdout, by LOG_LEVEL. */
  readonly logger?: Log;
};

const options = z.strictObject({
  settings: z.record(z.string(), z.string().optional()).optional(),
  ungoverned: z.enum(["allow", "deny"]).default("allow"),
  refusals: z.enum(["envelope", "app"]).default("envelope"),
  logger: z.custom<Log>(isLog, "must have debug, info, warn and error").optional(),
});

/** Throws for an option that is not known, or is not what it should be. */
export function readOptions(given: unknown): z.infer<typeof options> {
  const read = options.safeParse(given ?? {});
  if (read.success) return read.data;
  const faults = read.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`.trim());
  throw new Error(`tollgate cannot be registered with these options: ${faults.join("; ")}`);
}

function isLog(value: unknown): boolean {
  const methods = value as Partial<Record<keyof Log, unknown>> | null | undefined;
  return (["debug", "info", "warn", "error"] as const).every((name) => typeof methods?.[name] === "function");
}
