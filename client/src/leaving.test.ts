import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { promisify } from "node:util";

/** Begins every stream and ends none, but for one that asks for `whole`. */
const server = createServer((request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write('data: {"choices":[]}\n\n');
  if (request.headers["x-whole"] !== undefined) response.end("data: [DONE]\n\n");
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
after(() => {
  server.closeAllConnections();
  server.close();
});
const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const ways: Readonly<Record<string, string>> = {
  "that it aborted before reading it": "stream.abort();",
  "that it aborted between two events": "await stream[Symbol.asyncIterator]().next(); stream.abort();",
  "whose loop it left": "for await (const _ of stream) break;",
  "whose signal it aborted": "controller.abort();",
  "both halves of which it left": "for (const half of stream.tee()) for await (const _ of half) break;",
  "that it never read": "",
};

for (const [name, leave] of Object.entries(ways)) {
  test(`a program ends by itself after a stream ${name}`, async () => {
    const headers = leave === "" ? { "x-whole": "1" } : {};
    const program = `
      import { TollgateClient } from ${JSON.stringify(new URL("index.ts", import.meta.url).href)};
      const client = new TollgateClient({ baseUrl: ${JSON.stringify(baseUrl)} });
      const controller = new AbortController();
      const options = { signal: controller.signal, headers: ${JSON.stringify(headers)} };
      const stream = await client.chat.stream({ model: "m", messages: [] }, options);
      ${leave}
      console.log("left");`;
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
      timeout: 20_000,
    });
    assert.equal((await run).stdout, "left\n");
  });
}
