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

const MAX_CHOICES = 128;
const OUTPUT_CAPS = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
const CHOICE_COUNTS = ["n", "best_of"];
const TEXT_PARTS = new Set(["text", "input_text", "output_text", "refusal"]);
const IMAGE_PARTS = new Set(["image_url", "input_image"]);
const CALLER_TOOLS = new Set(["function", "custom"]);
const UNBOUNDED_FIELDS = [
  "web_search_options",
  "search_parameters",
  "plugins",
  "previous_response_id",
  "conversation",
  "prediction",
  "models",
  "extra_body",
  "cached_content",
];

/**
 * Reads a chat body of `bodyBytes` UTF-8 bytes as it arrived. JSON is never shorter than what it says, so the bytes
 * bound the text without walking it: the time depends on the number of messages and parts only.
 */
export function chatBound(body: Body, bodyBytes: number): BoundOrFaults {
  const faults: FieldFault[] = [];
  const caps = countsIn(body, OUTPUT_CAPS, MAX_OUTPUT_TOKENS, faults);
  const choices = countsIn(body, CHOICE_COUNTS, MAX_CHOICES, faults);
  if (faults.length > 0) return { valid: false, faults };
  const found = nothingFound();
  readMessages(body, found);
  noteUnboundedFields(found, body, UNBOUNDED_FIELDS);
  const tools = listOf(body.tools);
  noteUnboundedTools(found, tools, (tool) => CALLER_TOOLS.has(typeOf(tool)));
  return boundOf(body, found, {
    bytes: bodyBytes,
    hasTools: tools.length > 0 || listOf(body.functions).length > 0,
    outputCap: caps.length === 0 ? undefined : Math.max(...caps),
    choices: Math.max(1, ...choices),
  });
}

function readMessages(body: Body, found: Found): void {
  for (const [index, message] of listOf(body.messages).entries()) {
    if (isGiven(fieldOf(message, "audio"))) noteUnbounded(found, `messages[${index}].audio`);
    for (const [at, part] of listOf(fieldOf(message, "content")).entries()) {
      if (!readPart(part, found)) noteUnbounded(found, `messages[${index}].content[${at}]`);
    }
  }
}

/** False: nobody knows how much it is. */
function readPart(part: unknown, found: Found): boolean {
  const type = typeOf(part);
  if (type === "input_audio") found.hears = true;
  if (type === "input_audio" || TEXT_PARTS.has(type)) return true;
  const data = IMAGE_PARTS.has(type) ? inlineData(part) : undefined;
  if (data === undefined || (data !== "" && !INLINE_IMAGE.test(data))) return false;
  addImage(found, data);
  return true;
}

const INLINE_IMAGE = /^data:image\/[\w.+-]{1,40};base64,/i;

/** The data URL inside an image part; empty if the image is only named by an address. */
function inlineData(part: unknown): string {
  const image = fieldOf(part, "image_url");
  const url = typeof image === "string" ? image : fieldOf(image, "url");
  return typeof url === "string" && /^data:/i.test(url) ? url : "";
}
