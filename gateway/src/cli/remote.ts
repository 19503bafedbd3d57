import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ExchangeFailure, openOrigin } from "../lib/fetch.ts";
import { faultText, UsageError } from "./command.ts";

const TOKEN_FILE = "operator-token";
const TIMEOUT_MS = 10_000;

/** The token of the operator's endpoint lies in the data folder: whoever may read that may run commands. */
export function writeOperatorToken(folder: string, token: string): () => void {
  const file = join(folder, TOKEN_FILE);
  rmSync(file, { force: true });
  writeFileSync(file, token, { mode: 0o600, flag: "wx" });
  return () => rmSync(file, { force: true });
}

/** A running server, and what opens its commands. */
export type Server = { readonly url: string; readonly door: "operator" | "admin"; readonly token: string };

/** The server that owns this data folder. */
export function ownerOf(folder: string, url: string): Server {
  return { url, door: "operator", token: readFileSync(join(folder, TOKEN_FILE), "utf8") };
}

/** Runs a command inside a running server. Throws UsageError for what it finds wrong with the input. */
export async function runRemotely(server: Server, name: string, input: object): Promise<object> {
  const path = `/${server.door}/commands/${name.replaceAll(" ", "-")}`;
  const { status, body } = await post(server.url, path, server.token, input);
  if (status < 300) return JSON.parse(body) as object;
  const { error } = JSON.parse(body) as {
    error: { message: string; details?: { path: string; message: string }[] };
  };
  if (status === 400) {
    const faults = (error.details ?? []).map(({ path, message }) => faultText(path, message));
    throw new UsageError(faults.join("\n") || error.message);
  }
  throw new Error(`the running server answered ${status}: ${error.message}`);
}

async function post(
  url: string,
  path: string,
  token: string,
  input: object,
): Promise<{ status: number; body: string }> {
  const timeouts = { connectTimeoutMs: TIMEOUT_MS, headersTimeoutMs: TIMEOUT_MS, bodyTimeoutMs: TIMEOUT_MS };
  const origin = openOrigin(url, timeouts);
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  let status = 0;
  const chunks: Buffer[] = [];
  origin.send(
    {
      method: "POST",
      path,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: Buffer.from(JSON.stringify(input)),
    },
    {
      head: (answered) => {
        status = answered;
      },
      chunk: (bytes) => void chunks.push(bytes),
      end: () => resolve({ status, body: Buffer.concat(chunks).toString() }),
      fail: ({ kind, cause }: ExchangeFailure) =>
        reject(new Error(`the running server does not answer (${kind})`, { cause })),
    },
  );
  return promise.finally(() => origin.close());
}
