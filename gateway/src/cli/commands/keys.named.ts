import { type KeyJson, keyJson } from "../../http/key-json.ts";
import { findApiKey } from "../../identity/api-keys.ts";
import { type CommandDeps, type Shown, UsageError } from "../command.ts";

/** The key of this prefix, which may also be given as a whole or masked key. Throws UsageError. */
export async function keyNamed(deps: CommandDeps, text: string): Promise<KeyJson> {
  const prefix = /^(?:sk-tg1_)?([0-9A-Za-z]{12})(?:_.*)?$/.exec(text)?.[1];
  if (prefix === undefined) throw new UsageError("give the key's prefix, the 12 characters behind sk-tg1_");
  const key = await findApiKey(deps, prefix);
  if (key === undefined) throw new UsageError(`there is no key ${prefix}`);
  return keyJson(key);
}

/** A key's full text, which nobody can read again. */
export function shownOnce({ key }: { readonly key: string }): Shown {
  return { text: key, note: "This key is shown once. Keep it now." };
}
