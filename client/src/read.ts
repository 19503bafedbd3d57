import { unreadableAnswer } from "./errors.ts";
import type { Reader } from "./transport.ts";
import type { Watchdog } from "./watchdog.ts";

/** An answer of JSON, undefined for 204. Whatever else comes, a login page or nothing at all, is an error. */
export const readJson: Reader<unknown> = async (response, watch) => {
  const text = await textOf(response, watch);
  watch.stop();
  if (response.status === 204) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw unreadableAnswer(response, `The answer is ${kindOf(response, text)}, not JSON.`, cause);
  }
  if (typeof json === "object" && json !== null) return json;
  throw unreadableAnswer(response, "The answer is JSON, but not the gateway's.");
};

/** An answer of text. */
export const readText: Reader<string> = async (response, watch) => {
  const text = await textOf(response, watch);
  watch.stop();
  return text;
};

function kindOf({ headers }: Response, text: string): string {
  if (text === "") return "empty";
  const type = headers.get("content-type")?.split(";")[0] ?? "text";
  return /\bjson\b/i.test(type) ? "damaged" : type;
}

export async function textOf(response: Response, watch: Watchdog): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunksOf(response, watch)) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** Not every browser iterates over streams. Leaving it cancels the answer. */
export async function* chunksOf({ body }: Response, watch: Watchdog): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      watch.begin();
      const { done, value } = await reader.read();
      watch.rest();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
