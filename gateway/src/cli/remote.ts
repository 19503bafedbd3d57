import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openOrigin } from "../lib/fetch.ts";
import { UsageError } from "./command.ts";
import { type ErrorBody, refusal, unreachable } from "./remote.errors.ts";

const TOKEN_FILE = "operator-token";
const CONNECT_LIMIT_MS = 10_000;
/** A step of long work takes seconds; one that is not cut into steps may take minutes. */
const ANSWER_LIMIT_MS = 600_000;

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

/** The server that somebody named, if somebody did. Throws UsageError for one without a token. */
export function serverAt(named: { url: string | undefined; token: string | undefined }): Server | undefined {
  const { url, token } = named;
  if (url === undefined) return undefined;
  if (token !== undefined) return { url, door: "admin", token };
  throw new UsageError(
    `${url} needs an administrator's API key or access token, in TOLLGATE_TOKEN or in the file that TOLLGATE_TOKEN_FILE names`,
  );
}

/** Runs a command inside a running server. Throws UsageError for what it finds wrong with the input, else RemoteError. */
export async function runRemotely(server: Server, name: string, input: object): Promise<object> {
  const path = `/${server.door}/commands/${name.replaceAll(" ", "-")}`;
  const { status, body } = await post(server.url, path, server.token, input);
  const answer = parsed(body);
  if (status < 300 && answer !== undefined) return answer;
  throw refusal(server, status, answer?.error);
}

function parsed(body: string): { readonly error?: ErrorBody } | undefined {
  try {
    const answer: unknown = JSON.parse(body);
    return typeof answer === "object" && answer !== null ? answer : undefined;
  } catch {
    return undefined;
  }
}

async function post(
  url: string,
  path: string,
  token: string,
  input: object,
): Promise<{ status: number; body: string }> {
  const origin = originAt(url);
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
      fail: (failure) => reject(unreachable(url, failure, ANSWER_LIMIT_MS)),
    },
  );
  return promise.finally(() => origin.close());
}

function originAt(url: string) {
  try {
    return openOrigin(url, {
      connectTimeoutMs: CONNECT_LIMIT_MS,
      headersTimeoutMs: ANSWER_LIMIT_MS,
      bodyTimeoutMs: ANSWER_LIMIT_MS,
    });
  } catch (error) {
    if (error instanceof TypeError)
      throw new UsageError(`${url} is no address of a server: ${error.message}`);
    throw error;
  }
}
