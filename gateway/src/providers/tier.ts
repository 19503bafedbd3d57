const STANDARD: ReadonlySet<string> = new Set(["auto", "default", "on_demand", "standard", "scale"]);

/** The tier that a call was served at, in small letters; undefined at standard rates, prepaid ones among them. */
export function tierOf(reported: unknown): string | undefined {
  if (typeof reported !== "string" || !/^[a-z_]{1,40}$/i.test(reported)) return undefined;
  const tier = reported.toLowerCase();
  return STANDARD.has(tier) ? undefined : tier;
}
