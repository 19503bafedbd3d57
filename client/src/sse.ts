/** One server-sent event. */
export type ServerSentEvent = {
  readonly event: string | undefined;
  readonly id: string | undefined;
  readonly data: string;
};

/** Server-sent events out of bytes, however they are cut. An event that is not closed by an empty line is none. */
export async function* serverSentEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const parse = sseParser();
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield* parse(decoder.decode(chunk, { stream: true }));
}

/** Takes text as it comes, and answers the events that it completes. Lines end with LF, CRLF or CR. */
export function sseParser(): (text: string) => readonly ServerSentEvent[] {
  let rest = "";
  let data: string[] = [];
  let event: string | undefined;
  let id: string | undefined;

  function take(line: string, events: ServerSentEvent[]): void {
    if (line === "") {
      if (data.length > 0) events.push({ event, id, data: data.join("\n") });
      data = [];
      event = undefined;
      return;
    }
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") data.push(value);
    if (name === "event") event = value;
    if (name === "id") id = value;
  }

  return (text) => {
    rest += text;
    const events: ServerSentEvent[] = [];
    // A CR at the very end may be half of a CRLF.
    for (let end = /\r\n|\n|\r(?!$)/.exec(rest); end !== null; end = /\r\n|\n|\r(?!$)/.exec(rest)) {
      take(rest.slice(0, end.index), events);
      rest = rest.slice(end.index + end[0].length);
    }
    return events;
  };
}
