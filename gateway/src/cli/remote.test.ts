import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { UsageError } from "./command.ts";
import { ownerOf, runRemotely, writeOperatorToken } from "./remote.ts";

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

test("what the server finds wrong with the input is wrong with the input here", async () => {
  writeOperatorToken(folder, "it-token");
  const details = [
    { path: "", message: "there is no user usr_x" },
    { path: "name", message: "is missing" },
  ];
  await using server = await serverThatAnswers(
    400,
    JSON.stringify({ error: { message: "Invalid.", details } }),
  );
  await assert.rejects(runRemotely(server.owner(), "keys issue", {}), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(error.message, "there is no user usr_x\nname: is missing");
    return true;
  });
});

test("a server that refuses or is gone is told as it is, and never as wrong input", async () => {
  writeOperatorToken(folder, "it-token");
  const body = JSON.stringify({ error: { message: "You may not do this." } });
  const server = await serverThatAnswers(403, body);
  const refused = (error: Error) =>
    !(error instanceof UsageError) && /answered 403: You may not/.test(error.message);
  const owner = server.owner();
  await assert.rejects(runRemotely(owner, "keys list", {}), refused);
  await server[Symbol.asyncDispose]();
  await assert.rejects(runRemotely(owner, "keys list", {}), /does not answer \(connect\)/);
});
