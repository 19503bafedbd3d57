import type { Fields } from "./json.ts";
import { customInput } from "./translate.responses.tools.ts";
import { sealed, THOUGHT_ID } from "./translate.thoughts.ts";

/** One thing that a model gives: each is an item of the output, and comes after the one before. */
export type OutputItem = {
  readonly kind: Kind;
  /** Its place in the output. */
  readonly index: number;
  readonly id: string;
  /** Of a call. */
  readonly call?: { readonly id: string; readonly name: unknown };
  /** As far as it has come. */
  text: string;
  /** What its provider must see again beside a thought. */
  kept?: Fields;
};

export type Kind = "thinking" | "text" | "refusal" | "function" | "custom";

type Manner = {
  readonly prefix: string;
  /** The events of a text, and the field that the whole of it stands in. */
  readonly events: string;
  readonly field: string;
  /** The text is a part of the item; else a field. */
  readonly part?: { readonly events: string; readonly index: string; readonly of: (text: string) => Fields };
};

const ofMessage = (of: (text: string) => Fields) => ({
  events: "response.content_part",
  index: "content_index",
  of,
});

const manners: Readonly<Record<Kind, Manner>> = {
  thinking: {
    prefix: THOUGHT_ID,
    events: "response.reasoning_summary_text",
    field: "text",
    part: {
      events: "response.reasoning_summary_part",
      index: "summary_index",
      of: (text) => ({ type: "summary_text", text }),
    },
  },
  text: {
    prefix: "msg_",
    events: "response.output_text",
    field: "text",
    part: ofMessage((text) => ({ type: "output_text", text, annotations: [], logprobs: [] })),
  },
  refusal: {
    prefix: "msg_",
    events: "response.refusal",
    field: "refusal",
    part: ofMessage((refusal) => ({ type: "refusal", refusal })),
  },
  function: { prefix: "fc_", events: "response.function_call_arguments", field: "arguments" },
  custom: { prefix: "ctc_", events: "response.custom_tool_call_input", field: "input" },
};

export function newItem(kind: Kind, answerId: string, index: number, call?: OutputItem["call"]): OutputItem {
  const id = `${manners[kind].prefix}${answerId}_${index}`;
  return { kind, index, id, text: "", ...(call === undefined ? {} : { call }) };
}

/** The item as responses show it. */
export function shownItem({ kind, id, text, call, kept = {} }: OutputItem, status: string): Fields {
  const parts = text === "" ? [] : [manners[kind].part?.of(text)];
  if (kind === "thinking") {
    const seal = status === "in_progress" ? null : sealed(kept);
    return { id, type: "reasoning", summary: parts, encrypted_content: seal };
  }
  if (kind === "function") {
    return { id, type: "function_call", status, call_id: call?.id, name: call?.name, arguments: text };
  }
  if (kind === "custom") {
    return {
      id,
      type: "custom_tool_call",
      status,
      call_id: call?.id,
      name: call?.name,
      input: customInput(text),
    };
  }
  return { id, type: "message", status, role: "assistant", content: parts };
}

export function openingEvent(item: OutputItem): Fields {
  return {
    type: "response.output_item.added",
    output_index: item.index,
    item: shownItem(item, "in_progress"),
  };
}

/** Adds to the item's text. What a custom tool is called with can be told only when it is whole. */
export function addedEvents(item: OutputItem, text: string): readonly Fields[] {
  const opened = item.text === "" ? partEvents(item, "added", "") : [];
  item.text += text;
  return item.kind === "custom" ? [] : [...opened, deltaEvent(item, text)];
}

/** @param status how it ended: `completed` or `incomplete`. */
export function closingEvents(item: OutputItem, status: string): readonly Fields[] {
  // Clients parse the arguments: a call without any has an empty object.
  const late = item.kind === "function" && item.text === "" ? addedEvents(item, "{}") : [];
  const done = { type: "response.output_item.done", output_index: item.index, item: shownItem(item, status) };
  if (item.kind === "thinking" && item.text === "") return [done];
  const { events, field } = manners[item.kind];
  const whole = item.kind === "custom" ? customInput(item.text) : item.text;
  const told = {
    ...placeOf(item),
    [field]: whole,
    ...(item.kind === "function" ? { name: item.call?.name } : {}),
    ...(item.kind === "text" ? { logprobs: [] } : {}),
  };
  return [
    ...late,
    ...(item.kind === "custom" ? [deltaEvent(item, whole)] : []),
    { type: `${events}.done`, ...told },
    ...partEvents(item, "done", whole),
    done,
  ];
}

function deltaEvent(item: OutputItem, delta: string): Fields {
  const logprobs = item.kind === "text" ? { logprobs: [] } : {};
  return { type: `${manners[item.kind].events}.delta`, ...placeOf(item), delta, ...logprobs };
}

function partEvents(item: OutputItem, what: "added" | "done", text: string): readonly Fields[] {
  const { part } = manners[item.kind];
  return part === undefined
    ? []
    : [{ type: `${part.events}.${what}`, ...placeOf(item), part: part.of(text) }];
}

function placeOf({ kind, id, index }: OutputItem): Fields {
  const { part } = manners[kind];
  return { item_id: id, output_index: index, ...(part === undefined ? {} : { [part.index]: 0 }) };
}
