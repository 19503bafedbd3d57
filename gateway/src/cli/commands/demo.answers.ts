import { type Answer, claim } from "./demo.tour.ts";

export type Failure = {
  readonly error: { readonly code: string; readonly message: string; readonly resetAt?: string };
};

/** What a day's report says of one operation. */
export type DayLine = {
  readonly operation: string;
  readonly calls: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly estimated_cost_usd: string;
  /** The part of the cost that no provider reported. */
  readonly estimated_share: number;
};

/** The body of a chat completion. */
export function chat(model: string, content: string, fields: object = {}) {
  return { model, ...fields, messages: [{ role: "user", content }] };
}

/** The line of an operation in a day's report, if anything ran under that name. */
export function lineIn(report: Answer, operation: string): DayLine | undefined {
  claim(report.status === 200, `the day has a report: ${report.text}`);
  const { breakdown } = report.read<{ breakdown: readonly DayLine[] }>();
  return breakdown.find((line) => line.operation === operation);
}

/** Such a line as text, as far as the tour tells it. */
export function dayLineText({
  operation,
  calls,
  input_tokens,
  output_tokens,
  estimated_cost_usd,
}: DayLine): readonly string[] {
  return [
    `200 {"operation":"${operation}","calls":${calls},"input_tokens":${input_tokens},`,
    `     "output_tokens":${output_tokens},"estimated_cost_usd":"${estimated_cost_usd}", …}`,
  ];
}
