import type { Chance } from "../lib/ids.ts";
import { isSealedByOldKey, rewrap, SealBroken } from "../lib/sealed.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import type { Providers } from "./known.ts";
import { credentialContext, holdProviders, writeProvider } from "./stored.ts";

/** Names of providers. */
export type Rewrapped = {
  readonly rewrapped: readonly string[];
  /** Neither SECRET_KEY nor SECRET_KEY_PREVIOUS opens their credentials: they must be set again. */
  readonly unreadable: readonly string[];
};

/** After a rotation: seals every credential by the current key, so that SECRET_KEY_PREVIOUS is needed no more. */
export async function rewrapCredentials(
  deps: { readonly change: Change; readonly chance: Chance; readonly providers: Providers },
  cause: Cause,
): Promise<Rewrapped> {
  const { change, chance, providers } = deps;
  const { keys } = providers;
  const found = await change(cause, async (tx, note) => {
    const rewrapped: string[] = [];
    const unreadable: string[] = [];
    for (const stored of await holdProviders(tx)) {
      const { name, sealedCredential: sealed } = stored;
      if (sealed === undefined || !isSealedByOldKey(keys, sealed)) continue;
      try {
        const sealedCredential = rewrap(chance, keys, sealed, credentialContext(stored));
        await writeProvider(tx, { ...stored, sealedCredential });
      } catch (error) {
        if (!(error instanceof SealBroken)) throw error;
        unreadable.push(name);
        continue;
      }
      rewrapped.push(name);
      note({ action: "provider.rewrap", target: { type: "provider", id: name } });
    }
    return { rewrapped, unreadable };
  });
  await providers.readProviders();
  return found;
}
