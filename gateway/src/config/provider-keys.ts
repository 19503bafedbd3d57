import type { PlannedProvider } from "../providers/known.ts";

/** Why a provider's key can never be the right one. A message never repeats the key. */
export function keyFaults(
  planned: readonly Pick<PlannedProvider, "name" | "apiKey" | "baseUrl">[],
  officialUrls: ReadonlySet<string>,
): readonly string[] {
  return planned.flatMap(({ name, apiKey = "", baseUrl }) => {
    if (/[^\x20-\x7e]/.test(apiKey)) {
      return [
        `the API key of ${name} has characters that no header takes: a line end, a control character or one outside ASCII`,
      ];
    }
    if (apiKey.startsWith("sk-tg1_") && officialUrls.has(baseUrl)) {
      return [`the API key of ${name} is one of Tollgate's own (sk-tg1_…), which ${baseUrl} does not know`];
    }
    return [];
  });
}
