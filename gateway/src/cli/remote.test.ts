import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { UsageError } from "./command.ts";
import { RemoteError } from "./failure.ts";
import { ownerOf, runRemotely, serverAt, writeOperatorToken } from "./remote.ts";

const folder = mkdtempSync(join(tmpdir(), "tollgate-remote-"));
after(() => rmSync(folder, { recursive: true }));

/** A server that answers the next commands like this, and remembers what it was asked. */
async function serverThatAnswers(status: number, body: string) {
  const asked: { url?: string | undefined; authorization?: string | undefined; input?: unknown } = {};
  const server = createServer(async (request: IncomingMessage, response) => {
    const parts = await request.toArray();
    Object.assign(asked, {
      url: request.url,
      authorization: request.headers.authorization,
      input: JSON.parse(parts.join("")),
    });
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    asked,
    owner: () => ownerOf(folder, `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

test("the operator's token is readable by its own user only, replaced at a start and gone after a stop", () => {
  const file = join(folder, "operator-token");
  writeOperatorToken(folder, "old");
  const forget = writeOperatorToken(folder, "new");
  assert.equal(readFileSync(file, "utf8"), "new");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  forget();
  assert.equal(existsSync(file), false);
});

test("a command runs inside the server that owns the data folder, with the token that lies there", async () => {
  writeOperatorToken(folder, "it-token");
  await using server = await serverThatAnswers(200, '{"items":[]}');
  assert.deepEqual(await runRemotely(server.owner(), "keys list", { user: "usr_ann" }), { items: [] });
  assert.deepEqual(server.asked, {
    url: "/operator/commands/keys-list",
    authorization: "Bearer it-token",
    input: { user: "usr_ann" },
  });
});

test("what the server finds wrong with the input is wrong with the input here, field by field", async () => {
  writeOperatorToken(folder, "it-token");
  const answering = (details: object[]) =>
    serverThatAnswers(
      400,
      JSON.stringify({ error: { code: "VALIDATION_FAILED", message: "Invalid.", details } }),
    );
  const name = { path: "name", message: "is missing" };
  await using fields = await answering([name]);
  await assert.rejects(runRemotely(fields.owner(), "keys issue", {}), UsageError.of([name]));
  await using whole = await answering([{ path: "", message: "there is no user usr_x" }]);
  await assert.rejects(
    runRemotely(whole.owner(), "keys issue", {}),
    new UsageError("there is no user usr_x"),
  );
});

test("whoever is refused from afar reads what was refused and what it takes", async () => {
  const refusal = async (status: number, code: string, below = "") => {
    const error = {
      code,
      message: "No.",
      type: "x",
      param: null,
      correlationId: "req_1",
      limit: "ip-minute",
    };
    await using server = await serverThatAnswers(status, JSON.stringify({ error }));
    const named = serverAt({ url: server.owner().url + below, token: "sk" });
    return await runRemotely(named!, "keys list", {}).catch((found: RemoteError) => found);
  };
  const unknown = (await refusal(401, "UNAUTHENTICATED")) as RemoteError;
  assert.match(unknown.message, /does not accept TOLLGATE_TOKEN: No\. It takes an administrator's API key/);
  const developer = (await refusal(403, "SCOPE_MISSING")) as RemoteError;
  assert.match(developer.message, /refuses to run commands .*: No\. It takes an administrator, .*admin:\*/);
  const displaced = (await refusal(404, "NOT_FOUND", "/v1")) as RemoteError;
  assert.match(displaced.message, /no commands at .*\/v1: give the address of the server without \/v1/);
  assert.equal(((await refusal(404, "NOT_FOUND")) as RemoteError).message, "No.");
  const limited = (await refusal(429, "RATE_LIMITED")) as RemoteError;
  assert.deepEqual(
    [limited.code, limited.message, limited.details],
    ["RATE_LIMITED", "No.", { limit: "ip-minute" }],
  );
});

test("what is no Tollgate, or not there, is told with the address, and never as wrong input", async () => {
  writeOperatorToken(folder, "it-token");
  for (const [status, body] of [
    [200, "<html>"],
    [404, '{"detail":"Not Found"}'],
    [502, ""],
  ] as const) {
    await using server = await serverThatAnswers(status, body);
    const { url } = server.owner();
    await assert.rejects(runRemotely(server.owner(), "keys list", {}), (error) => {
      assert.ok(error instanceof RemoteError && error.message.includes(`${url} is no Tollgate`));
      return true;
    });
  }
  const server = await serverThatAnswers(200, "{}");
  const owner = server.owner();
  await server[Symbol.asyncDispose]();
  await assert.rejects(runRemotely(owner, "keys list", {}), {
    code: "UNREACHABLE",
    message: `Nothing answers at ${owner.url} (ECONNREFUSED). Is the server running, and the address right?`,
  });
});

test("an address without a token, or that is none, is a matter of usage", async () => {
  assert.equal(serverAt({ url: undefined, token: "sk" }), undefined);
  assert.throws(() => serverAt({ url: "http://x", token: undefined }), /TOLLGATE_TOKEN_FILE/);
  for (const url of ["tollgate", "ftp://x", "http://u:p@x"]) {
    const asked = runRemotely({ url, door: "admin", token: "sk" }, "keys list", {});
    await assert.rejects(asked, (error) => error instanceof UsageError && error.message.startsWith(url));
  }
});
