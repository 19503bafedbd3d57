import type { ColumnType } from "kysely";

/** Pico-USD as decimal digits; `BigInt(text)` is the amount. */
export type PicoText = string;
/** JSON is written as text (`JSON.stringify`) and read parsed. */
export type Json<T> = ColumnType<T, string, string>;
/** Null, and left out on insert, where there is nothing. */
export type Nullable<T> = ColumnType<T | null, T | null | undefined, T | null>;
