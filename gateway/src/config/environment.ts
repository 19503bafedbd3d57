import { readFileSync } from "node:fs";
import { entryFaults } from "./entries.ts";
import { Fault, type Setting } from "./setting.ts";
import { ownPrefixes, type SettingName, type Settings, settings } from "./settings.ts";

/** The one door to the environment. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;

export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(["These settings stop the start:", ...faults.map((fault) => `  ${fault}`)].join("\n"));
    this.faults = faults;
  }
}

/**
 * Reads every setting from `variables`; a secret may come from the file that `NAME_FILE` names (one trailing line
 * feed is removed). Throws SettingsError with every fault at once. Messages never repeat a secret's value.
 */
export function readSettings(variables: Readonly<Record<string, string | undefined>>): Settings {
  const faults: string[] = [];
  const values = Object.entries(settings).map(([name, setting]: [string, Setting<unknown>]) => {
    const raw = setting.secret ? secretText(name, variables, faults) : variables[name];
    if (raw === undefined) return [name, setting.missing];
    if (raw === "") return [name, setting.empty === undefined ? setting.missing : setting.empty.value];
    const value = setting.parse(raw);
    if (!(value instanceof Fault)) return [name, value];
    faults.push(setting.secret ? `${name} ${value.message}` : `${name}=${raw.slice(0, 60)} ${value.message}`);
    return [name, setting.missing];
  });
  for (const name of Object.keys(variables)) {
    if (!isKnown(name) && ownPrefixes.some((prefix) => name.startsWith(prefix))) {
      faults.push(`${name} is not a setting of Tollgate; is it a typing mistake?`);
    }
  }
  const read = Object.fromEntries(values) as Settings;
  faults.push(...entryFaults(read));
  if (faults.length > 0) throw new SettingsError(faults);
  return read;
}

/** The documents keep a caller's API key in it, in the shell where commands are typed too. */
const CALLERS_KEY = "TOLLGATE_KEY";

function isKnown(name: string): boolean {
  if (name === CALLERS_KEY) return true;
  const known: Readonly<Record<string, Setting<unknown>>> = settings;
  return known[name] !== undefined || (name.endsWith("_FILE") && known[name.slice(0, -5)]?.secret === true);
}

function secretText(
  name: string,
  variables: Readonly<Record<string, string | undefined>>,
  faults: string[],
): string | undefined {
  const file = variables[`${name}_FILE`];
  if (file === undefined || file === "") return variables[name];
  if (variables[name] !== undefined && variables[name] !== "") {
    faults.push(`${name} and ${name}_FILE are both set; keep one`);
    return undefined;
  }
  try {
    return readFileSync(file, "utf8").replace(/\n$/, "");
  } catch {
    faults.push(`${name}_FILE names a file that cannot be read`);
    return undefined;
  }
}

/** Every setting as it is in force, secrets shown only as `set`. */
export function describeSettings(
  values: Settings,
): readonly { name: string; value: string; about: string }[] {
  return Object.entries(settings).map(([name, setting]) => {
    const value: unknown = values[name as SettingName];
    const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
    return { name, value: isEmpty ? "" : setting.secret ? "set" : String(value), about: setting.about };
  });
}
