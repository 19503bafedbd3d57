import type { KeyGrant } from "../identity/principal.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Target } from "./route.ts";

/** A model by the name that callers use, and by what that name resolves to. */
export type NamedModel = { readonly asked: string; readonly provider: string; readonly model: string };

/** May the key use it: by that name, as `provider/model`, or as one of `provider/*`? Without a key or a list, yes. */
export function mayUse(key: KeyGrant | undefined, { asked, provider, model }: NamedModel): boolean {
  const allowed = key?.allowedModels ?? null;
  if (allowed === null) return true;
  return [asked, `${provider}/${model}`, `${provider}/*`].some((name) => allowed.includes(name));
}

/** Throws MODEL_NOT_ALLOWED for a target that the key may not use under the name `asked`. */
export function requireModel(
  key: KeyGrant | undefined,
  asked: string,
): (target: Pick<Target, "provider" | "model">, named?: string) => void {
  return ({ provider, model }, named = asked) => {
    if (mayUse(key, { asked: named, provider: provider.name, model })) return;
    throw new TollgateError("MODEL_NOT_ALLOWED", { model: named });
  };
}
