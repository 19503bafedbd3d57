import { parseTollgateError } from "./errors.parse.ts";
import type { Reader } from "./transport.ts";

/** A whole answer: JSON, the text of anything else, undefined for none. */
export const readWhole: Reader<unknown> = async (response, watch) => {
  const text = await textOf(response, watch);
  watch.stop();
  if (text === "") return undefined;
  if (!/\bjson\b/i.test(response.headers.get("content-type") ?? "")) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw parseTollgateError({ message: "The answer is not JSON." }, { status: response.status });
  }
};

async function textOf(response: Response, watch: Parameters<Reader<unknown>>[1]): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunksOf(response)) {
    watch.touch();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Not every browser iterates over streams. Leaving it cancels the answer. */
export async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
