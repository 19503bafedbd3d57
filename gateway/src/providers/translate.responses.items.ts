import type { Fields } from "./json.ts";
import { drop, dropOthers, type Losses, refuse } from "./translate.losses.ts";
import { contentParts, type Place, textParts } from "./translate.responses.parts.ts";
import { customArguments } from "./translate.responses.tools.ts";
import { reasoningDetail } from "./translate.thoughts.ts";
import { listOf } from "./translate.tools.ts";

/** A message of a chat, and where the client said it. */
export type Said = {
  readonly message: Fields;
  readonly path: string;
  /** Of its content. */
  readonly contentPath: string;
};

/**
 * `instructions` and `input` of responses as messages of a chat. What the model said between two turns of others is one
 * message: thoughts, text and calls. Contents are lists of parts, results of tools may hold images, and thoughts that
 * their provider can read again are `reasoning_details`: more than every server takes, and all that any of them does.
 */
export function messagesOfItems({ instructions, input }: Fields, losses: Losses): readonly Said[] {
  const isTold = instructions == null || typeof instructions === "string";
  if (!isTold) refuse(losses, "instructions", "must be a text");
  const told = typeof instructions === "string" ? [wholeText("system", instructions, "instructions")] : [];
  if (typeof input === "string") return [...told, wholeText("user", input, "input")];
  const items = listOf(input, "input", losses).map((item, index) => {
    dropOthers(losses, item, ITEM_FIELDS, "input.");
    return { item, at: { path: `input[${index}]`, losses } };
  });
  const turns: [Placed, ...Placed[]][] = [];
  for (const each of items) {
    const last = turns.at(-1);
    if (last !== undefined && isOfModel(last[0].item) && isOfModel(each.item)) last.push(each);
    else turns.push([each]);
  }
  return [
    ...told,
    ...turns.flatMap((turn) => (isOfModel(turn[0].item) ? answerOf(turn) : otherTurn(turn[0]))),
  ];
}

function wholeText(role: string, text: string, path: string): Said {
  return { message: { role, content: [{ type: "text", text }] }, path, contentPath: path };
}

type Placed = { readonly item: Fields; readonly at: Place };
type Turn = readonly [Placed, ...Placed[]];

const ITEM_FIELDS: ReadonlySet<string> = new Set(
  "type role content id status call_id name arguments input output summary encrypted_content".split(" "),
);
const MODEL_ITEMS: ReadonlySet<unknown> = new Set(["reasoning", "function_call", "custom_tool_call"]);

function isOfModel({ type, role }: Fields): boolean {
  return MODEL_ITEMS.has(type) || ((type ?? "message") === "message" && role === "assistant");
}

/** Nothing, if there is but thought in it. */
function answerOf(turn: Turn): readonly Said[] {
  const content: Fields[] = [];
  const details: Fields[] = [];
  const calls: Fields[] = [];
  for (const { item, at } of turn) {
    if (item.type === "reasoning") {
      const detail = reasoningDetail(item);
      if (detail === undefined) drop(at.losses, "input.reasoning");
      else details.push(detail);
    } else if (MODEL_ITEMS.has(item.type)) calls.push(callOf(item, at));
    else content.push(...textParts(item.content, { ...at, path: `${at.path}.content` }));
  }
  if (content.length === 0 && calls.length === 0) return [];
  const message = {
    role: "assistant",
    content: content.length === 0 ? null : content,
    ...(details.length === 0 ? {} : { reasoning_details: details }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  const { path } = turn[0].at;
  return [{ message, path, contentPath: `${path}.content` }];
}

function callOf(
  { type, call_id: id, name, arguments: json, input }: Fields,
  { path, losses }: Place,
): Fields {
  const said =
    type === "function_call" ? json : typeof input === "string" ? customArguments(input) : undefined;
  if (typeof id !== "string" || typeof name !== "string" || typeof said !== "string") {
    refuse(losses, path, "must be a call with its call_id, its name and what it was called with");
  }
  return { id, type: "function", function: { name, arguments: said } };
}

function otherTurn({ item, at }: Placed): readonly Said[] {
  const { type = "message", role } = item;
  if (type === "message" && typeof role === "string" && ROLES.has(role))
    return [saidAt(role, item.content, at)];
  if (RESULTS.has(type)) return [resultOf(item, at)];
  refuse(at.losses, at.path, faultOf(type));
  return [];
}

const ROLES: ReadonlySet<string> = new Set(["user", "system", "developer"]);
const RESULTS: ReadonlySet<unknown> = new Set(["function_call_output", "custom_tool_call_output"]);

function faultOf(type: unknown): string {
  if (type === "message") return "must have the role user, assistant, system or developer";
  if (type === "item_reference")
    return "names what is not stored here: send the item itself, with store: false";
  return "is known to OpenAI's models only: this one takes messages, and calls of functions and custom tools";
}

function saidAt(role: string, content: unknown, { path, losses }: Place): Said {
  const contentPath = `${path}.content`;
  const parts = role === "user" ? contentParts : textParts;
  return { message: { role, content: parts(content, { path: contentPath, losses }) }, path, contentPath };
}

function resultOf({ call_id: id, output }: Fields, { path, losses }: Place): Said {
  if (typeof id !== "string") refuse(losses, `${path}.call_id`, "must be the id of a call");
  const contentPath = `${path}.output`;
  const content = contentParts(output, { path: contentPath, losses });
  return { message: { role: "tool", tool_call_id: id, content }, path, contentPath };
}
