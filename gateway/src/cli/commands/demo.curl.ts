/** A request of the tour, as it is asked and as it is shown. */
export type Asked = {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** The shell's name of the key that it shows. */
  readonly as?: string | undefined;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The client goes away after so long. */
  readonly leavesAfterMs?: number;
};

/** Columns of a shown request, before it is indented. */
export const CURL_WIDTH = 74;

/** A command that asks the same, as lines to paste into a shell that knows `$URL` and the key. */
export function curlOf({ method, path, as, json, headers = {}, leavesAfterMs }: Asked): readonly string[] {
  const address = path.includes("?") ? `"$URL${path}"` : `$URL${path}`;
  const parts = [
    leavesAfterMs === undefined ? "curl" : `curl -N --max-time ${leavesAfterMs / 1000}`,
    ...(method === "POST" && json === undefined ? ["-X POST"] : []),
    address,
    ...(as === undefined ? [] : [`-H "Authorization: Bearer $${as}"`]),
    ...Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`),
    ...(json === undefined ? [] : ["-H 'Content-Type: application/json'"]),
  ];
  const lines = packed(parts, " ", CURL_WIDTH - 2);
  if (json === undefined) return continued(lines);
  const fields = JSON.stringify(json).split(/(?<=[,[{])(?=["{])/);
  const body = packed([`-d '${fields[0]}`, ...fields.slice(1)], "", CURL_WIDTH - 3);
  return [...continued([...lines, body[0]!]), ...body.slice(1).map((line) => `     ${line}`)].map(
    (line, index, all) => (index === all.length - 1 ? `${line}'` : line),
  );
}

/** Lines of as many parts as fit. A part that is too wide has a line of its own. */
function packed(parts: readonly string[], separator: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const line = lines.at(-1);
    const longer = `${line}${separator}${part}`;
    if (line !== undefined && longer.length + 2 <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

function continued(lines: readonly string[]): readonly string[] {
  return lines.map(
    (line, index) => `${index === 0 ? "" : "  "}${line}${index < lines.length - 1 ? " \\" : ""}`,
  );
}
