import { emailForm } from "../identity/email.ts";
import { systemClock } from "../lib/clock.ts";
import { parseNetworks } from "../lib/networks.ts";
import { outbound } from "../lib/outbound.ts";
import { signingKeysOf } from "../telemetry/webhook.ts";
import type { Settings } from "./settings.ts";

/** What is wrong with the settings of alerts, taken together. Of URLs and secrets nothing is repeated. */
export function alertFaults(settings: Settings): readonly string[] {
  const { networks, faults } = parseNetworks(settings.OUTBOUND_ALLOW_CIDRS);
  const { ALERT_WEBHOOK_URL: url, ALERT_WEBHOOK_SECRET: secret } = settings;
  const urlFault =
    url === undefined ? undefined : outbound({ clock: systemClock, allowed: networks }).faultOf(url);
  return [
    ...faults.map((text) => `OUTBOUND_ALLOW_CIDRS has ${JSON.stringify(text)}, which is not a network`),
    ...(urlFault === undefined ? [] : [`ALERT_WEBHOOK_URL ${urlFault}`]),
    ...(url !== undefined && secret === undefined
      ? ["ALERT_WEBHOOK_SECRET is missing beside ALERT_WEBHOOK_URL"]
      : []),
    ...(secret !== undefined && signingKeysOf(secret) === undefined
      ? [
          "ALERT_WEBHOOK_SECRET must be whsec_ and 24 to 64 bytes in base64; during a rotation two, comma-separated",
        ]
      : []),
    ...mailFaults(settings),
  ];
}

function mailFaults(settings: Settings): readonly string[] {
  const { SMTP_URL: smtpUrl, ALERT_EMAIL_FROM: from, ALERT_EMAIL_TO: to } = settings;
  const isEmail = (text: string) => emailForm.safeParse(text).success;
  const missing =
    smtpUrl === undefined
      ? []
      : [...(from === undefined ? ["FROM"] : []), ...(to.length === 0 ? ["TO"] : [])];
  return [
    ...missing.map((part) => `ALERT_EMAIL_${part} is missing beside SMTP_URL`),
    ...(from === undefined || isEmail(from) ? [] : ["ALERT_EMAIL_FROM must be an e-mail address"]),
    ...(to.every(isEmail) ? [] : ["ALERT_EMAIL_TO must be e-mail addresses, comma-separated"]),
  ];
}
