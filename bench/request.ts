/** A POST to a server on loopback. */
export type Request = {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type BodyKind = { readonly bytes: number; readonly stream: boolean };

const SENTENCE = "Tell me how a gate may count what passes without slowing anybody down. ";

/** A chat request of exactly `bytes` bytes: a system message and one long user message. */
export function chatBody(model: string, { bytes, stream }: BodyKind): string {
  const withPrompt = (prompt: string) =>
    JSON.stringify({
      model,
      messages: [
        { role: "system", content: "You are a patient gatekeeper." },
        { role: "user", content: prompt },
      ],
      temperature: 0.7,
      ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    });
  const room = bytes - withPrompt("").length;
  if (room < 1) throw new RangeError(`${bytes} bytes are too few for a chat request`);
  return withPrompt(SENTENCE.repeat(Math.ceil(room / SENTENCE.length)).slice(0, room));
}
