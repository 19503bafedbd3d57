import type { Fields } from "./json.ts";
import { CREATED, openAiErrorBody, type SimulatedFormat } from "./simulated.format.ts";
import { invalid, isPositiveInteger, modelled, quarter } from "./simulated.request.ts";
import { unitVector } from "./simulated.words.ts";

/** The same input is always at the same place; nothing else is known about places. */
export const simulatedEmbeddings: SimulatedFormat = {
  wire: "openai-embeddings",
  path: "/embeddings",
  bills: true,
  idHeader: "x-request-id",
  idOf: (digest) => `emb-sim${digest}`,
  read(body) {
    const inputs = inputsOf(body);
    if (inputs.length === 0) return invalid("The input is missing.", "input");
    const { dimensions } = body;
    if (dimensions != null && !(isPositiveInteger(dimensions) && dimensions <= MOST_DIMENSIONS)) {
      return invalid("The number of dimensions is not between 1 and 3072.", "dimensions");
    }
    const promptTokens = inputs.reduce((sum, input) => sum + tokensIn(input), 0);
    const nothing = { text: "", hasResult: false, maxTokens: 0, choices: 1, toolName: undefined };
    return modelled(body, { ...nothing, stream: false, promptTokens });
  },
  whole({ request: { model, body, promptTokens }, usage }) {
    const dimensions = (body.dimensions as number | null | undefined) ?? USUAL_DIMENSIONS;
    const data = inputsOf(body).map((input, index) => {
      const vector = unitVector(dimensions, JSON.stringify(input));
      const embedding =
        body.encoding_format === "base64" ? Buffer.from(vector.buffer).toString("base64") : [...vector];
      return { object: "embedding", index, embedding };
    });
    const told = { prompt_tokens: promptTokens, total_tokens: promptTokens };
    return { object: "list", created: CREATED, data, model, ...(usage === undefined ? {} : { usage: told }) };
  },
  pieces: () => [],
  errorBody: openAiErrorBody,
  errorPieces: () => [],
};

const USUAL_DIMENSIONS = 1536;
const MOST_DIMENSIONS = 3072;

/** A text or the numbers of its tokens. */
type Input = string | readonly number[];

function inputsOf({ input }: Fields): readonly Input[] {
  if (typeof input === "string") return input === "" ? [] : [input];
  if (!Array.isArray(input) || input.length === 0) return [];
  return (typeof input[0] === "number" ? [input] : input) as readonly Input[];
}

function tokensIn(input: Input): number {
  return typeof input === "string" ? quarter(input) : input.length;
}
