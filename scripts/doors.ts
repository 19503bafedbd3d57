/** A door: what only these files may touch, however it is spelled. */
export type Door = {
  readonly name: string;
  /** Paths below `gateway/src/`. */
  readonly opensIn: RegExp;
  /** Spellings in code, where texts and comments are gone. */
  readonly code?: RegExp;
  /** Packages that are this door, types included. */
  readonly packages?: RegExp;
  /** Of packages that hold more than this door: the values that open it. A namespace or default import always does. */
  readonly values?: Readonly<Record<string, RegExp>>;
};

/** A global name, and not a member or part of another name. */
const own = String.raw`(?<![.\w$])`;

export const doors: readonly Door[] = [
  {
    name: "time",
    opensIn: /^lib\/clock\.ts$/,
    code: new RegExp(
      [
        String.raw`\bDate\.now\b`,
        String.raw`\bnew Date\b(?!\s*\(\s*[^\s)])`,
        String.raw`(?<!\bnew\s)${own}Date\s*\(`,
        String.raw`\bperformance\.(now|timeOrigin)\b`,
        `${own}(setTimeout|setInterval|setImmediate)\\b`,
        String.raw`\bprocess\.(hrtime|uptime)\b`,
        String.raw`\bAbortSignal\.timeout\b`,
        String.raw`\bTemporal\b`,
      ].join("|"),
    ),
    packages: /^node:timers(\/promises)?$/,
    values: { "node:perf_hooks": /^performance$/, "node:process": /^(hrtime|uptime)$/ },
  },
  {
    name: "chance",
    opensIn: /^lib\/ids\.ts$/,
    code: new RegExp(`\\bMath\\.random\\b|${own}crypto\\s*\\.`),
    values: { "node:crypto": /^(random|generate|getRandomValues|subtle|webcrypto)/ },
  },
  {
    name: "environment",
    opensIn: /^config\/environment\.ts$/,
    code: /\bprocess\s*\.\s*env\b|\bprocess\s*\[|\}\s*=\s*process\b(?!\s*\.)/,
    values: { "node:process": /^env$/ },
  },
  {
    name: "network",
    opensIn: /^lib\/(fetch|reach)\.ts$/,
    code: new RegExp(`${own}fetch\\s*\\(|\\bnew (WebSocket|EventSource|XMLHttpRequest)\\b`),
    packages: /^(undici|node:(https|http2|tls|dgram|dns)(\/promises)?)$/,
    values: { "node:http": /^(?!createServer$)/, "node:net": /^(?!(createServer|isIP|isIPv4|isIPv6)$)/ },
  },
  { name: "mail", opensIn: /^telemetry\/mail\.ts$/, packages: /^nodemailer(\/|$)/ },
  { name: "PostgreSQL", opensIn: /^store\/postgres\.ts$/, packages: /^pg(-|$)/ },
  { name: "PGlite", opensIn: /^store\/pglite[^/]*\.ts$/, packages: /^@electric-sql\// },
  { name: "Redis", opensIn: /^store\/redis\.ts$/, packages: /^(ioredis|redis|@redis\/.+)$/ },
  {
    name: "routes",
    // An app's route without a row stops the start as well.
    opensIn: /^(http\/(server|refusals)|app\.apps|apps\/[^/]+)\.ts$/,
    code: /\.\s*route\s*\(|\b(app|server|fastify|instance)\s*\.\s*(get|head|post|put|patch|delete|options|all|register)\s*\(/,
    values: { fastify: /./ },
  },
];
