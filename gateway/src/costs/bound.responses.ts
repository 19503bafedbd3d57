import type { FieldFault } from "../lib/errors.ts";
import { type Body, countsIn, fieldOf, isGiven, listOf, MAX_OUTPUT_TOKENS, typeOf } from "./bound.fields.ts";
import {
  addImage,
  boundOf,
  type Found,
  noteUnbounded,
  noteUnboundedFields,
  noteUnboundedTools,
  nothingFound,
} from "./bound.found.ts";
import type { BoundOrFaults } from "./bound.ts";

const TEXT_PARTS = new Set([
  "input_text",
  "output_text",
  "text",
  "refusal",
  "summary_text",
  "reasoning_text",
]);
/** Items that cost no more than what the body says of them: calls, and what the caller's own tools answered. */
const BOUNDED_ITEM =
  /^(message|reasoning|(function|custom_tool|local_shell|shell|apply_patch|computer)_call(_output)?)$/;
const CALLER_TOOLS = new Set(["function", "custom", "local_shell", "apply_patch"]);
const UNBOUNDED_FIELDS = ["previous_response_id", "conversation", "prompt"];

/** What the body of OpenAI's responses says about its size, `bodyBytes` UTF-8 bytes as it arrived. */
export function responsesBound(body: Body, bodyBytes: number): BoundOrFaults {
  const faults: FieldFault[] = [];
  const caps = countsIn(body, ["max_output_tokens"], MAX_OUTPUT_TOKENS, faults);
  if (body.background === true) {
    faults.push({ path: "background", message: "is not possible here: what it costs would not be known" });
  }
  if (faults.length > 0) return { valid: false, faults };
  const found = nothingFound();
  for (const [index, item] of listOf(body.input).entries()) readItem(item, `input[${index}]`, found);
  const tools = listOf(body.tools);
  noteUnboundedTools(found, tools, (tool) => CALLER_TOOLS.has(typeOf(tool)));
  noteUnboundedFields(found, body, UNBOUNDED_FIELDS);
  return boundOf(body, found, { bytes: bodyBytes, hasTools: tools.length > 0, outputCap: caps[0] });
}

/** An item without a type is a message. */
function readItem(item: unknown, path: string, found: Found): void {
  const isBounded = !isGiven(fieldOf(item, "type")) || BOUNDED_ITEM.test(typeOf(item));
  if (!isBounded) noteUnbounded(found, path);
  for (const field of ["content", "output"]) {
    const said = fieldOf(item, field);
    if (typeOf(said) !== "") readPart(said, `${path}.${field}`, found);
    for (const [index, part] of listOf(said).entries()) {
      readPart(part, `${path}.${field}[${index}]`, found);
    }
  }
}

function readPart(part: unknown, path: string, found: Found): void {
  const type = typeOf(part);
  const url = fieldOf(part, "image_url");
  if (type === "computer_screenshot" || (type === "input_image" && typeof url === "string")) {
    addImage(found, typeof url === "string" && url.startsWith("data:") ? url : "");
  } else if (!TEXT_PARTS.has(type) && type !== "shell_call_output") {
    noteUnbounded(found, path);
  }
}
