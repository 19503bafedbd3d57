import { type AddressInfo, createServer } from "node:net";

/** What an SMTP server was told. */
export type ReceivedMail = {
  readonly from: string;
  readonly to: readonly string[];
  /** By lower-case name, unfolded, as they were sent. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** An SMTP server that keeps what it gets, or answers every recipient with `refusal`. Imported by tests only. */
export async function mailServer(refusal?: string) {
  const mails: ReceivedMail[] = [];
  const server = createServer((socket) => {
    const envelope = { from: "", to: [] as string[] };
    let data: string | undefined;
    let rest = "";
    const say = (line: string) => socket.write(`${line}\r\n`);
    const command = (line: string): void => {
      const [verb] = line.split(/[ :]/, 1);
      if (verb === "EHLO") say("250 mail.test");
      else if (verb === "MAIL") envelope.from = bracketed(line);
      else if (verb === "RCPT" && refusal === undefined) envelope.to.push(bracketed(line));
      if (verb === "DATA") data = "";
      if (verb === "QUIT") return void socket.end("221 bye\r\n");
      if (verb === "RCPT" && refusal !== undefined) return void say(refusal);
      if (verb !== "EHLO") say(verb === "DATA" ? "354 go on" : "250 ok");
    };
    const take = (line: string): void => {
      if (data === undefined) command(line);
      else if (line !== ".") data += `${line.replace(/^\./, "")}\r\n`;
      else {
        mails.push({ ...envelope, ...parsed(data) });
        data = undefined;
        say("250 taken");
      }
    };
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (text: string) => {
      const lines = (rest + text).split("\r\n");
      rest = lines.pop()!;
      lines.forEach(take);
    });
    say("220 mail.test");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mails: mails as readonly ReceivedMail[],
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function bracketed(line: string): string {
  return /<(.*)>/.exec(line)?.[1] ?? "";
}

function parsed(data: string): Pick<ReceivedMail, "headers" | "body"> {
  const [head, ...body] = data.split("\r\n\r\n");
  const lines = head!.replace(/\r\n[ \t]+/g, " ").split("\r\n");
  const headers = lines.map((line) => /^([^:]+): ?(.*)$/.exec(line)!.slice(1) as [string, string]);
  return {
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    body: body.join("\r\n\r\n"),
  };
}
