import { type Fields, fieldsOf, objectsOf } from "./json.ts";

/** What a format's recordings must say, by plain sums over parsed JSON that share nothing with what is tested. */
export type Rule = {
  /** Tokens of an answer that tells any. The sums that its provider promises are in it, so that they are compared. */
  tokensOf(answer: Fields): Tokens | undefined;
  /** The answer that a stream's events amount to. */
  wholeOf(events: readonly Fields[]): Fields;
  /** Events, or the marker, of a stream that amounts to the answer. */
  streamOf(answer: Fields): readonly (Fields | string)[];
  /** What the recordings leave out at the end of a stream. */
  readonly marker: readonly string[];
  endsWith(event: Fields): boolean;
};

export type Tokens = {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly reasoning: number;
  readonly besides: number;
  readonly costPico: bigint | undefined;
};

const NONE = { cacheRead: 0, reasoning: 0, besides: 0, costPico: undefined };
const numberAt = (value: unknown, name: string): number => Number(fieldsOf(value)[name] ?? 0);
const costOf = (usage: Fields): bigint | undefined =>
  usage.cost_in_usd_ticks === undefined ? undefined : BigInt(String(usage.cost_in_usd_ticks)) * 100n;

export const chatRule: Rule = {
  tokensOf({ usage: reported }) {
    if (reported == null) return undefined;
    const usage = fieldsOf(reported);
    const input = numberAt(usage, "prompt_tokens");
    return {
      ...NONE,
      input,
      output: numberAt(usage, "total_tokens") - input,
      cacheRead: numberAt(usage.prompt_tokens_details, "cached_tokens"),
      reasoning: numberAt(usage.completion_tokens_details, "reasoning_tokens"),
      costPico: costOf(usage),
    };
  },
  wholeOf: (events) => events.findLast(({ usage }) => usage != null) ?? {},
  streamOf: (answer) => [{ ...answer, choices: [] }, "[DONE]"],
  marker: ["[DONE]"],
  endsWith: () => false,
};

export const embeddingsRule: Rule = { ...chatRule, streamOf: () => [] };

export const responsesRule: Rule = {
  tokensOf({ usage: reported }) {
    if (reported == null) return undefined;
    const usage = fieldsOf(reported);
    const output = numberAt(usage, "output_tokens");
    return {
      ...NONE,
      input: numberAt(usage, "total_tokens") - output,
      output,
      cacheRead: numberAt(usage.input_tokens_details, "cached_tokens"),
      reasoning: numberAt(usage.output_tokens_details, "reasoning_tokens"),
      costPico: costOf(usage),
    };
  },
  wholeOf: (events) => fieldsOf(events.findLast(({ response }) => response !== undefined)?.response),
  streamOf: (answer) => [
    { type: "response.created", response: { ...answer, usage: null } },
    { type: "response.completed", response: answer },
  ],
  marker: [],
  endsWith: ({ type }) => /^response\.(completed|incomplete|failed)$/.test(String(type)),
};

export const messagesRule: Rule = {
  tokensOf({ usage: reported }) {
    if (reported == null) return undefined;
    const usage = fieldsOf(reported);
    const iterations = objectsOf(usage.iterations);
    const besides = iterations.filter(({ type }) => type === "compaction" || type === "advisor_message");
    const fallback = iterations.filter(({ type }) => type === "fallback_message");
    const own = fallback.length > 0 ? fallback : iterations.filter(({ type }) => type === "message");
    // Where iterations are told, they are the truth that the numbers at the top must agree with.
    const truth = own.length > 0 ? own : [usage];
    const sum = (list: readonly Fields[], ...names: string[]): number =>
      list.reduce((all, each) => all + names.reduce((some, name) => some + numberAt(each, name), 0), 0);
    const kinds = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
    return {
      ...NONE,
      input: sum(truth, ...kinds),
      output: sum(truth, "output_tokens"),
      cacheRead: sum(truth, "cache_read_input_tokens"),
      reasoning: numberAt(usage.output_tokens_details, "thinking_tokens"),
      besides: sum(besides, ...kinds, "output_tokens"),
    };
  },
  wholeOf(events) {
    const message = fieldsOf(events.find(({ type }) => type === "message_start")?.message);
    const told = events.flatMap((event) => [fieldsOf(event.message).usage, event.usage]);
    const usage = Object.fromEntries(
      told.flatMap((each) => Object.entries(fieldsOf(each)).filter(([, value]) => value !== null)),
    );
    return { ...message, usage };
  },
  streamOf(answer) {
    const { iterations, ...usage } = fieldsOf(answer.usage);
    return [
      { type: "message_start", message: { ...answer, content: [], usage: { ...usage, output_tokens: 1 } } },
      { type: "message_delta", delta: {}, usage: { iterations, output_tokens: usage.output_tokens } },
      { type: "message_stop" },
    ];
  },
  marker: [],
  endsWith: ({ type }) => type === "message_stop",
};

export const generateRule: Rule = {
  tokensOf({ usageMetadata: reported }) {
    if (reported == null) return undefined;
    const usage = fieldsOf(reported);
    const input = numberAt(usage, "promptTokenCount") + numberAt(usage, "toolUsePromptTokenCount");
    return {
      ...NONE,
      input,
      output: numberAt(usage, "totalTokenCount") - input,
      cacheRead: numberAt(usage, "cachedContentTokenCount"),
      reasoning: numberAt(usage, "thoughtsTokenCount"),
    };
  },
  wholeOf: (events) => events.at(-1) ?? {},
  streamOf: (answer) => [answer],
  marker: [],
  endsWith: ({ candidates }) => objectsOf(candidates).some(({ finishReason }) => finishReason !== undefined),
};
