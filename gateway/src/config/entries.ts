import { emailForm } from "../identity/email.ts";
import { passwordFault } from "../identity/passwords.ts";
import { staticTokens } from "../identity/static-tokens.ts";
import { parseNetworks } from "../lib/networks.ts";
import { alertFaults } from "./entries.alerts.ts";
import type { Settings } from "./settings.ts";

/** Digests made with it are thrown away: only the faults count here. */
const UNUSED_KEY = new Uint8Array(32);

/**
 * What is wrong with settings that take more than their own text to judge. Entries that are secret are told by their
 * position.
 */
export function entryFaults(settings: Settings): readonly string[] {
  const proxies = parseNetworks(settings.TRUSTED_PROXIES);
  const tokens = staticTokens(
    {
      map: settings.APP_AUTH_TOKEN_USER_MAP,
      legacy: settings.APP_AUTH_BEARER_TOKENS,
      defaultUser: settings.APP_AUTH_DEFAULT_USER,
      apps: settings.ASSIST_API_KEYS,
    },
    UNUSED_KEY,
  );
  return [
    ...proxies.faults.map((text) => `TRUSTED_PROXIES has ${JSON.stringify(text)}, which is not a network`),
    ...("faults" in tokens ? tokens.faults : []),
    ...administratorFaults(settings),
    ...alertFaults(settings),
  ];
}

/** The first administrator's account is one like any other. */
function administratorFaults(settings: Settings): readonly string[] {
  const { BOOTSTRAP_ADMIN_EMAIL: email, BOOTSTRAP_ADMIN_PASSWORD: password } = settings;
  if (email === undefined && password === undefined) return [];
  if (email === undefined) return ["BOOTSTRAP_ADMIN_EMAIL is missing beside BOOTSTRAP_ADMIN_PASSWORD"];
  if (password === undefined) return ["BOOTSTRAP_ADMIN_PASSWORD is missing beside BOOTSTRAP_ADMIN_EMAIL"];
  const fault = passwordFault(password);
  return [
    ...(emailForm.safeParse(email).success ? [] : ["BOOTSTRAP_ADMIN_EMAIL must be an e-mail address"]),
    ...(fault === undefined ? [] : [`BOOTSTRAP_ADMIN_PASSWORD ${fault}`]),
  ];
}
