import { staticTokens } from "../identity/static-tokens.ts";
import { parseNetworks } from "../lib/networks.ts";
import type { Settings } from "./settings.ts";

/** Digests made with it are thrown away: only the faults count here. */
const UNUSED_KEY = new Uint8Array(32);

/** What is wrong with the entries of settings that are lists; entries that are secret are told by their position. */
export function entryFaults(settings: Settings): readonly string[] {
  const proxies = parseNetworks(settings.TRUSTED_PROXIES);
  const tokens = staticTokens(
    {
      map: settings.APP_AUTH_TOKEN_USER_MAP,
      legacy: settings.APP_AUTH_BEARER_TOKENS,
      defaultUser: settings.APP_AUTH_DEFAULT_USER,
    },
    UNUSED_KEY,
  );
  return [
    ...proxies.faults.map((text) => `TRUSTED_PROXIES has ${JSON.stringify(text)}, which is not a network`),
    ...("faults" in tokens ? tokens.faults : []),
  ];
}
