import { createTransport, type SendMailOptions } from "nodemailer";
import { mailText } from "./mail.text.ts";
import type { OutgoingEvent } from "./notifier.events.ts";
import type { Courier } from "./notifier.ts";

export type MailSettings = {
  /** `smtp://user:password@host:587`, or `smtps://` for TLS from the first byte. */
  readonly smtpUrl: string;
  readonly from: string;
  readonly to: readonly string[];
};

const PORTS: Readonly<Record<string, number>> = { "smtp:": 587, "smtps:": 465 };
const LONGEST_WAIT_MS = 5_000;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** The one door to e-mail. A message keeps its id each time it is tried. Passwords go over TLS, or to this machine. */
export function mailCourier({ smtpUrl, from, to }: MailSettings): Courier {
  const { protocol, hostname, port, username, password } = new URL(smtpUrl);
  const hasPassword = username !== "";
  const transport = createTransport({
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? PORTS[protocol]! : Number(port),
    secure: protocol === "smtps:",
    requireTLS: hasPassword && !LOOPBACK.test(hostname),
    ...(hasPassword
      ? { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }
      : {}),
    connectionTimeout: LONGEST_WAIT_MS,
    greetingTimeout: LONGEST_WAIT_MS,
    dnsTimeout: LONGEST_WAIT_MS,
    socketTimeout: LONGEST_WAIT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async ({ event, eventId }) => {
    const message: SendMailOptions = {
      from,
      to: [...to],
      messageId: `<${eventId}@tollgate>`,
      headers: { "Auto-Submitted": "auto-generated" },
      ...mailText(JSON.parse(event) as OutgoingEvent),
    };
    await transport.sendMail(message);
  };
}
