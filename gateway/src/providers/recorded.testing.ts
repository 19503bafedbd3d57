import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Answers recorded from real providers. They lie beside the repository and are never part of it. */
const CORPUS = new URL("../../../../shared/corpus/vercel-ai/packages/", import.meta.url);

export type Recorded = { readonly name: string; readonly text: string };

const FOLDERS = [
  "openai/src/chat/__fixtures__",
  "openai-compatible/src/chat/__fixtures__",
  "groq/src/__fixtures__",
  "xai/src/__fixtures__",
  "deepseek/src/chat/__fixtures__",
  "mistral/src/__fixtures__",
];

/** For the `skip` of a test: false, or why. */
export const withoutRecorded = existsSync(CORPUS) ? false : "recorded answers are not present";

export function recorded(ending: string): readonly Recorded[] {
  return FOLDERS.flatMap((folder) =>
    recordedIn(folder)
      .filter(({ name }) => name.endsWith(ending))
      .map(({ name, text }) => ({ name: `${folder.split("/")[0]}/${name}`, text })),
  );
}

/** Every answer in a folder, by the name of its file. */
export function recordedIn(folder: string): readonly Recorded[] {
  return readdirSync(new URL(`${folder}/`, CORPUS))
    .sort()
    .map((name) => ({ name, text: readFileSync(new URL(`${folder}/${name}`, CORPUS), "utf8") }));
}

/** Every folder of recorded answers, as `recordedIn` takes it. */
export function recordedFolders(): readonly string[] {
  return readdirSync(CORPUS, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith("__fixtures__"))
    .sort();
}
