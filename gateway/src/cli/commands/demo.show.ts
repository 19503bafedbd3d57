import type { Paint } from "../terminal.ts";
import type { Shown, StepResult } from "./demo.tour.ts";

/** Columns of a terminal that everybody has. */
const WIDTH = 80;

export function showTitle(number: number, title: string, paint: Paint): string {
  return `\n${paint("bold", `${number}. ${title}`)}\n`;
}

export function showStep({ ok, exchanges, proves, fault }: StepResult, paint: Paint): string {
  const verdict = ok ? `✔ ${proves}` : `✘ It does not hold: ${fault}`;
  return [
    ...exchanges.flatMap((shown) => showExchange(shown, paint)),
    paint(ok ? "green" : "red", indented(verdict)),
  ].join("\n");
}

function showExchange({ request, answer }: Shown, paint: Paint): readonly string[] {
  const command = request.map((line, index) => paint("dim", `${index === 0 ? "  $ " : "    "}${line}`));
  return [...command, ...answer.map((line) => `  ${line}`), ""];
}

/** Wraps at words, indented by two columns and by two more from the second line on. */
function indented(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    const longer = line === undefined ? `  ${word}` : `${line} ${word}`;
    if (line !== undefined && longer.length > WIDTH) lines.push(`    ${word}`);
    else lines[Math.max(0, lines.length - 1)] = longer;
  }
  return lines.join("\n");
}

export function showOpening(): string {
  return [
    "A tour of Tollgate: ten questions, each answered by real requests.",
    "A server of its own is starting on this machine …",
  ].join("\n");
}

export function showPlace(url: string, shown: readonly Shown[]): string {
  return [
    "",
    "  Two simulated providers stand behind it: steady answers, shaky fails at first.",
    "  Ann has the API key KEY, an administrator the key ADMIN:",
    "",
    `  URL=${url}`,
    ...shown.flatMap(({ answer }) => answer.map((line) => `  ${line}`)),
  ].join("\n");
}

const NEXT = {
  kept: [
    "What next? Every command above can be pasted into another terminal.",
    "npm start runs a server of your own; docs/start.md goes on from there.",
  ],
  gone: [
    "What next? With --keep the server stays after the tour, and every command above",
    "can be pasted. npm start runs one of your own; docs/start.md goes on from there.",
  ],
};

export type Totals = {
  /** The server goes on after the tour. */
  readonly isKept: boolean;
  readonly steps: number;
  readonly held: number;
  readonly requests: number;
  readonly providerCalls: number;
  readonly seconds: number;
};

export function showTotals(
  { steps, held, requests, providerCalls, seconds, isKept }: Totals,
  paint: Paint,
): string {
  const found = held === steps ? `All ${steps} hold.` : `${steps - held} of ${steps} do not hold.`;
  return [
    "",
    paint("bold", paint(held === steps ? "green" : "red", found)),
    `${requests} requests, ${providerCalls} of them to simulated providers, in ${seconds.toFixed(1)} s.`,
    "Every answer above came from a server on your machine.",
    "",
    ...(isKept ? NEXT.kept : NEXT.gone),
  ].join("\n");
}

export type Kept = { readonly url: string; readonly email: string; readonly password: string };

export function showKept({ url, email, password }: Kept): string {
  return [
    "",
    `The server stays at ${url} until Ctrl-C.`,
    `Administrator: ${email}, password ${password}`,
  ].join("\n");
}
