import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Setting } from "../gateway/src/config/setting.ts";
import { settings } from "../gateway/src/config/settings.ts";
import type { Access } from "../gateway/src/http/endpoint.ts";
import { type ErrorCode, type ErrorRow, errors } from "../gateway/src/lib/errors.ts";
import { simulatedModels } from "../gateway/src/providers/simulated.models.ts";
import { type Action, actions, changesIdentities } from "../gateway/src/telemetry/actions.ts";
import { clientSchema } from "./client-schema.ts";
import { commandRows, commandSections } from "./command-rows.ts";
import { errorHelp } from "./error-help.ts";
import { limitRows } from "./limit-rows.ts";
import { hollowServer, openApi } from "./openapi.ts";

/** Documents that say what a table in the code says: their paths from the root, and their text. */
export async function generatedDocuments(): Promise<ReadonlyMap<string, string>> {
  const contract = await openApi();
  return new Map([
    ["openapi.json", `${JSON.stringify(contract, null, 2)}\n`],
    ["client/src/schema.ts", clientSchema(contract)],
    [".env.example", environmentExample()],
    ["docs/settings.md", settingsPage()],
    ["docs/errors.md", errorsPage()],
    ["docs/endpoints.md", await endpointsPage()],
    ["docs/simulated.md", simulatedPage()],
    ["docs/audit-actions.md", auditActionsPage()],
    ["docs/limits.md", limitsPage()],
    ["docs/commands.md", await commandsPage()],
  ]);
}

/** The generated documents that are not on disk as they should be. */
export async function staleDocuments(root: string): Promise<readonly string[]> {
  return [...(await generatedDocuments())]
    .filter(
      ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), "utf8") !== text,
    )
    .map(([path]) => path);
}

const settingRows: readonly (readonly [string, Setting<unknown>])[] = Object.entries(settings);

function environmentExample(): string {
  const rows = settingRows.map(([name, { about, shown, secret }]) => {
    const file = secret ? ` Or ${name}_FILE.` : "";
    return `# ${about}${file}\n#${name}=${shown ?? ""}\n`;
  });
  const use = "# A copy of it called .env is not read by itself. Before a start: set -a; . ./.env; set +a";
  return `# Every setting, with its default. Generated from gateway/src/config/settings.ts: npm run docs\n${use}\n\n${rows.join("\n")}`;
}

function settingsPage(): string {
  return page(
    "Settings",
    "gateway/src/config/settings.ts",
    `Settings come from the environment. A file \`.env\` is not read by itself: \`set -a; . ./.env; set +a\` before the start puts
what it says there. An empty setting is unset; of a limit, empty switches it off and 0 refuses
everything. A secret may come from the file that \`NAME_FILE\` names instead. Unknown settings with one of Tollgate's
prefixes and bad values stop the start, all of them listed. \`tollgate doctor\` shows what is in force, without secrets.
Providers, aliases, plans and prices can also stand in a [configuration file](operating/configuration-file.md).`,
    table(
      ["setting", "default", "what it does"],
      settingRows.map(([name, { about, shown, secret }]) => [
        `\`${name}\``,
        secret ? "secret" : shown === undefined ? "–" : `\`${shown}\``,
        about,
      ]),
    ),
  );
}

const errorFields: readonly (readonly string[])[] = [
  ["`details`", "`VALIDATION_FAILED`", "the faults: `[{path, message}]`"],
  ["`requiredScope`", "`SCOPE_MISSING`", "the scope that is missing"],
  ["`limit`", "refusals by a limit", "id of [the limit](limits.md) that is reported"],
  ["`violated`", "the same", "ids of all limits that refused"],
  ["`reason`", "`RATE_LIMITED`", "`daily_quota` if waiting for a minute does not help"],
  ["`resetAt`", "refusals by a limit, an open breaker", "when asking again makes sense"],
  [
    "`scope`, `id`",
    "`BUDGET_EXCEEDED`",
    "whose budget it is; `id` is the prefix of a key, and left out for who may not see",
  ],
  [
    "`remaining_usd`",
    "the same",
    "what is allocated and not spent, to who may see it; calls under way may hold of it",
  ],
  [
    "`period`, `resetAt`",
    "the same",
    "of the budget, and when it begins anew; a budget without a period has no `resetAt`",
  ],
  ["`budget`", "the same", "number of the budget"],
  ["`model`", "`MODEL_NOT_FOUND`, `MODEL_NOT_ALLOWED`, `PRICE_UNKNOWN`", "as it was asked for"],
];

function errorsPage(): string {
  const rows = (Object.entries(errors) as (readonly [ErrorCode, ErrorRow])[]).toSorted(
    ([, one], [, other]) => one.status - other.status,
  );
  return page(
    "Errors",
    "gateway/src/lib/errors.ts",
    `Every refusal and failure has one body. \`code\` is stable; \`message\` is for people and may change.

\`\`\`json
{
  "error": {
    "code": "RATE_LIMITED",
    "message": "Rate limit reached. Please try again later.",
    "type": "rate_limit_error",
    "param": null,
    "correlationId": "req_7Q2M4C9X1R8T5V3B6N0K2H7JDW",
    "limit": "key-minute",
    "resetAt": "2026-01-01T00:01:00.000Z"
  }
}
\`\`\`

\`type\` and \`param\` are what the official OpenAI client reads. \`correlationId\` is also the header
\`X-Correlation-Id\` and stands in every log line. 429 and 503 carry \`Retry-After\` (seconds) and
\`retry-after-ms\`, unless the provider's account is out of credit; \`x-should-retry\` tells official clients whether repeating
makes sense at all. Besides these, some codes have fields of their own:

${table(["field", "with", "says"], errorFields)}`,
    table(
      ["code", "status", "type", "message", "what to do"],
      rows.map(([code, { status, type, message }]) => [
        `\`${code}\``,
        String(status),
        `\`${type}\``,
        message,
        errorHelp[code],
      ]),
    ),
  );
}

async function endpointsPage(): Promise<string> {
  const { app, rows } = await hollowServer();
  await app.close();
  return page(
    "Endpoints",
    "gateway/src/http/endpoints.ts",
    `A route that is not in this table stops the start. \`GET /openapi.json\` has the fields of every body and answer.
\`caller\` is an access token, an API key or a static token in \`Authorization\` (with or without \`Bearer\`), \`x-api-key\` or
\`api-key\`; its scope must be granted to the key and to its owner's role, and \`none\` asks for no scope. \`person\` is an
access token only; an app's key comes in \`x-api-key\` beside the user's token. The class decides which limits apply ([limits](concepts/limits.md)).`,
    table(
      ["method", "path", "credential", "scope", "class", "what it does"],
      rows.map(({ method, path, access, summary }) => [
        method,
        `\`${path}\``,
        credentialOf(access),
        access.credential === "caller" ? `\`${access.scope}\`` : "–",
        access.credential === "caller" ? access.class : "–",
        summary,
      ]),
    ),
  );
}

function credentialOf(access: Access): string {
  const words: Record<Access["credential"], string> = {
    caller: "caller",
    internal: "`INTERNAL_API_TOKEN`",
    operator: "the operator's token in the data folder",
    metrics: "loopback, or `INTERNAL_API_TOKEN`",
    nobody: "none",
  };
  if ("appKey" in access) return "caller, and an app's key";
  return "signedIn" in access ? "person" : words[access.credential];
}

function simulatedPage(): string {
  return page(
    "Simulated provider",
    "gateway/src/providers/simulated.models.ts",
    `Without a provider in the settings or the configuration file, a simulated one answers, and every answer says so
(\`x-tollgate-simulated: true\`). It speaks OpenAI's chat completions, responses and embeddings and Anthropic's messages
(both versions) on the wire, whole and streamed, and counts their tokens; the same request always gets the same answer, and its
usage is what was really written. The model's name decides what it does, in every format alike and with errors in the format's
own words; a number in a name may be any other. \`tollgate sim --port 4010\` serves it by itself: \`/v1\` of it stands in for
OpenAI (\`OPENAI_BASE_URL\`), the address alone for Anthropic (\`ANTHROPIC_BASE_URL\`). It prints a line of JSON for each call
that it would bill.

Embeddings are directions of length 1, chosen by the text. Input tokens: 4 per message, 1 per 4 UTF-8 bytes of its text, 85 per
image, 1 per 4 bytes of the tools' JSON.`,
    table(
      ["model", "what it does"],
      simulatedModels.map(({ example, about }) => [`\`${example}\``, about]),
    ),
  );
}

function auditActionsPage(): string {
  return page(
    "Audit actions",
    "gateway/src/telemetry/actions.ts",
    `Everything that leaves an entry in the [audit log](concepts/audit.md). What cached identities must notice is refused
or allowed everywhere from the next request on.`,
    table(
      ["action", "what happened", "cached identities notice it"],
      (Object.keys(actions) as Action[]).map((action) => [
        `\`${action}\``,
        actions[action].about,
        changesIdentities(action) ? "yes" : "–",
      ]),
    ),
  );
}

function limitsPage(): string {
  return page(
    "Limits",
    "gateway/src/limits/policies.ts",
    `Every limit, in the order in which a refusal is reported. The id is what answers, headers and metrics say, and what the
\`limits:\` section of the [configuration file](operating/configuration-file.md) and \`tollgate limits\` take. What the shapes
mean, and what is guaranteed when something fails: [limits](concepts/limits.md).`,
    table(["limit", "per", "shape", "requests", "default", "where its number stands"], limitRows()),
  );
}

async function commandsPage(): Promise<string> {
  const sections = (await commandSections()).map(({ heading, groups }) => [
    `## ${heading}`,
    ...groups.flatMap(({ title, leaves, examples }) => {
      const { commands, flags } = commandRows(leaves);
      return [
        ...(title === undefined ? [] : [title]),
        table(["command", "what it does"], commands),
        ...(flags.length === 0 ? [] : [table(["command", "flag", "what it says"], flags)]),
        ["```sh", ...examples.map((example) => `tollgate ${example}`), "```"].join("\n"),
      ];
    }),
  ]);
  return page(
    "Commands",
    "gateway/src/cli/groups.ts",
    `\`npm run tollgate -- <command>\` from a clone, \`npx tollgate <command>\` where the package is installed,
which is on no registry yet.
[How to use it](guides/command-line.md). Every command takes \`--json\`, prints data on standard output and everything else on
standard error. Those below \`Server\`, \`To try\` and \`Shell\` run in the process that was started. All others work on the data:
in the server that \`--url\` or \`TOLLGATE_URL\` names, in the server that runs on the same data folder, or by themselves.`,
    [
      table(
        ["exit code", "means"],
        [
          ["0", "done"],
          ["1", "failed, or something is left to be done"],
          ["2", "the command line or its input cannot be right; nothing was done"],
          ["9", "a check found something: `doctor`, `audit verify`, `providers test`, `decide`, `demo`"],
        ],
      ),
      ...sections.flat(),
    ].join("\n\n"),
  );
}

function page(title: string, source: string, text: string, rows: string): string {
  return `# ${title}\n\n<!-- Generated from ${source}: npm run docs -->\n\n${text}\n\n${rows}\n`;
}

/** Padded as the formatter wants it. */
function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [columns, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = columns.map((_, column) => Math.max(3, ...lines.map((line) => line[column]!.length)));
  const padded = (line: readonly string[]) =>
    `| ${widths.map((width, column) => line[column]!.padEnd(width)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [padded(lines[0]!), rule, ...lines.slice(1).map(padded)].join("\n");
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..");
  const documents = await generatedDocuments();
  for (const path of await staleDocuments(root)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), documents.get(path)!);
    console.log(`wrote ${path}`);
  }
}
