import { describeSettings } from "../../config/environment.ts";
import type { Settings } from "../../config/settings.ts";
import { prose, state, type Text, table } from "../table.ts";

export type Diagnosis = {
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
  readonly settings: ReturnType<typeof describeSettings>;
};

/** Tries everything that a start needs and tells what is in force. A check answers with a detail or throws. */
export async function diagnose(
  settings: Settings,
  checks: Readonly<Record<string, () => Promise<string>>>,
): Promise<Diagnosis> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        return { name, ok: true, detail: await check() };
      } catch (error) {
        return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  return { checks: results, settings: describeSettings(settings) };
}

export function showDiagnosis({ checks, settings }: Diagnosis): Text {
  return [
    table(
      ["CHECK", state("RESULT"), prose("DETAIL")],
      checks.map(({ name, ok, detail }) => [name, ok ? "ok" : "FAILED", detail]),
    ),
    table(
      ["SETTING", prose("VALUE")],
      settings.map(({ name, value }) => [name, value === "" ? "-" : value]),
    ),
  ];
}
