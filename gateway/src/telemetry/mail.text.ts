import { events, type OutgoingEvent } from "./notifier.events.ts";

export type MailText = { readonly subject: string; readonly text: string };

const LONGEST_NAME = 100;

/** What a person reads of an event. Names that people chose stay on their line. */
export function mailText({ id, type, at, data }: OutgoingEvent): MailText {
  const { about } = events[type];
  const lines = Object.entries(data).flatMap(([field, value]) =>
    value === null ? [] : [`${field.replaceAll("_", " ")}: ${oneLine(String(value))}`],
  );
  return {
    subject: `Tollgate: ${about.replace(/\.$/, "")}${subjectOf(data)}`,
    text: [about, "", ...lines, "", `${type}, ${at}, event ${id}`, ""].join("\n"),
  };
}

function subjectOf({ scope, scope_id: scopeId, name, provider }: OutgoingEvent["data"]): string {
  if (provider !== undefined) return ` (${oneLine(String(provider))})`;
  if (scope === undefined || scopeId === undefined) return "";
  const shown = name === null || name === undefined ? String(scopeId) : `${scopeId}: ${name}`;
  return ` (${scope} ${oneLine(shown)})`;
}

/** A header ends where a line ends. */
function oneLine(text: string): string {
  const shown = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return shown.length > LONGEST_NAME ? `${shown.slice(0, LONGEST_NAME).toWellFormed()}…` : shown;
}
