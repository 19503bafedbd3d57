import assert from "node:assert/strict";
import { type Fields, fieldsOf, objectsOf, textOf } from "./json.ts";
import type { ResponseIdentity } from "./translate.responses.response.ts";
import type { Told } from "./translate.testing.ts";

export const RESPONSE: ResponseIdentity = {
  id: "1",
  created: 1_700_000_000,
  model: "asked",
  asked: { model: "asked", input: "Hello" },
};

const LAST: ReadonlySet<unknown> = new Set(["response.completed", "response.incomplete", "response.failed"]);

/** What the events of a response add up to. Fails if they are not what a client of OpenAI's can read. */
export function toldByResponse(events: readonly Fields[]): Told & { readonly response: Fields } {
  const items: Fields[] = [];
  let open: { id: unknown; text: string; parts: string[] } | undefined;
  let response: Fields = {};
  let error: Fields | undefined;
  for (const [position, event] of events.entries()) {
    const type = String(event.type);
    const at = `${position} ${type}`;
    assert.equal(event.sequence_number, position, at);
    assert.ok(!LAST.has(response.status ?? "") || error !== undefined, at);
    if (position < 2) assert.equal(type, ["response.created", "response.in_progress"][position]);
    if (event.output_index !== undefined) assert.equal(event.output_index, items.length, at);
    if (event.item_id !== undefined) assert.equal(event.item_id, open?.id, at);
    if (type === "error") error = event;
    else if (LAST.has(type)) {
      response = fieldsOf(event.response);
      assert.equal(`response.${response.status}`, type);
      assert.equal(position, events.length - 1);
      if (error === undefined) assert.equal(open, undefined, at);
    } else if (type === "response.output_item.added") {
      assert.equal(open, undefined, at);
      open = { id: fieldsOf(event.item).id, text: "", parts: [] };
    } else if (type === "response.output_item.done") {
      const item = fieldsOf(event.item);
      assert.equal(item.id, open?.id, at);
      assert.deepEqual(open?.parts, [], at);
      assert.equal(textIn(item), open?.text, at);
      items.push(item);
      open = undefined;
    } else if (type.endsWith("part.added")) open!.parts.push(at);
    else if (type.endsWith("part.done")) {
      open!.parts.pop();
      assert.equal(textIn(event.part), open!.text, at);
    } else if (type.endsWith(".delta")) open!.text += event.delta;
    else if (type.endsWith(".done")) assert.equal(textIn(event), open!.text, at);
  }
  if (error === undefined && response.status !== undefined) assert.deepEqual(response.output, items);
  return { ...toldByItems(items), ending: response.status, usage: usageOf(response), error, response };
}

/** What a whole response says. */
export function toldByItems(items: readonly Fields[]) {
  const joined = (type: string) =>
    items
      .filter((item) => item.type === type)
      .map(textIn)
      .join("");
  const calls = items
    .filter(({ type }) => type === "function_call" || type === "custom_tool_call")
    .map((item) => ({ id: item.call_id, name: item.name, json: textIn(item) }));
  return { text: joined("message"), thinking: joined("reasoning"), calls };
}

function usageOf({ usage }: Fields): Fields | undefined {
  return usage == null ? undefined : fieldsOf(usage);
}

/** The text of an item, of a part of one, or of an event that tells one. */
function textIn(said: unknown): string {
  const { content, summary, text, refusal, arguments: json, input } = fieldsOf(said);
  const parts = objectsOf(content ?? summary).map(textIn);
  return textOf(text ?? refusal ?? json ?? input) ?? parts.join("");
}
